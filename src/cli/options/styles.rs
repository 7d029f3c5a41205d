//! How several styles and the content's colours come together.

use std::path::{Path, PathBuf};

use clap::Args;
use impasto::colour::KeepColors;
use impasto::objective::{Region, parse_weight};
use impasto::painter::Finish;
use impasto::{Error, Result};

use super::CommonOptions;

/// Blends of styles and with the content.
#[derive(Debug, Args)]
#[command(next_help_heading = "Styles and colours")]
pub struct StyleOptions {
    /// Share of each style image, as in 2,1 [default: equal]
    #[arg(long, value_name = "W,W", value_delimiter = ',', value_parser = parse_weight, allow_hyphen_values = true)]
    pub style_weights: Vec<f32>,

    /// A grey image for each style, white where in the picture it applies, as in left.png,right.png
    #[arg(long, value_name = "FILE,FILE", value_delimiter = ',')]
    pub style_mask: Vec<PathBuf>,

    /// A grey image, white where the content is to be kept
    #[arg(long, value_name = "FILE")]
    pub content_mask: Option<PathBuf>,

    /// Colours to keep: none, luminance (brightness is painted, colours stay), or histogram or linear
    /// (the style gets the content's colours first)
    #[arg(long, value_name = "HOW", default_value_t = KeepColors::None)]
    pub keep_colors: KeepColors,

    /// How much of the painting shows over the content, 0 to 1
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_hyphen_values = true)]
    pub strength: f32,
}

/// The region of a mask file.
fn region(path: &Path, common: &CommonOptions) -> Result<Region> {
    let named = |e: Error| Error::Image { path: path.into(), reason: e.to_string() };
    Region::new(common.load(path)?).map_err(named)
}

impl StyleOptions {
    /// What becomes of the painted picture.
    ///
    /// # Errors
    /// [`Error::Usage`] for a strength that cannot be.
    pub fn finish(&self) -> Result<Finish> {
        let finish = Finish { colors: self.keep_colors, strength: self.strength };
        finish.check()?;
        Ok(finish)
    }

    /// Where each of so many styles applies.
    ///
    /// # Errors
    /// [`Error::Usage`] unless there is a mask for each, or none at all; [`Error::Image`] for a mask that
    /// cannot be read or is black.
    pub fn regions(&self, styles: usize, common: &CommonOptions) -> Result<Vec<Option<Region>>> {
        match self.style_mask.len() {
            0 => Ok(vec![None; styles]),
            n if n == styles => self.style_mask.iter().map(|path| region(path, common).map(Some)).collect(),
            n => Err(Error::Usage(format!(
                "--style-mask has {n} files, but there are {styles} style images: give one for each"
            ))),
        }
    }

    /// Where the content counts.
    ///
    /// # Errors
    /// [`Error::Image`] for a mask that cannot be read or is black.
    pub fn content_region(&self, common: &CommonOptions) -> Result<Option<Region>> {
        self.content_mask.as_deref().map(|path| region(path, common)).transpose()
    }

    /// The weight of each style.
    ///
    /// # Errors
    /// [`Error::Usage`] unless there is one for each, or none at all, and one of them is above 0.
    pub fn weights(&self, styles: &[PathBuf]) -> Result<Vec<f32>> {
        let (weights, count) = (&self.style_weights, styles.len());
        match weights.len() {
            0 => Ok(vec![1.0; count]),
            n if n != count => Err(Error::Usage(format!(
                "--style-weights has {n} numbers, but there are {count} style images: give one for each"
            ))),
            _ if weights.iter().sum::<f32>() > 0.0 => Ok(weights.clone()),
            _ => Err(Error::Usage("--style-weights are all 0: one must be above it".into())),
        }
    }
}

//! Options about the images of a painting: their sizes, the initial image, the styles and the colours.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use impasto::colour::KeepColors;
use impasto::image_io::{Image, Size, scaled_dimensions};
use impasto::objective::{Region, parse_weight};
use impasto::painter::{
    ContentWeights, Finish, InitialImage, Iterations, NoiseShare, Scales, Schedule, Start, Supersampling,
    style_side,
};
use impasto::vgg19::LayerId;
use impasto::{Error, Result};
use serde::{Deserialize, Serialize};

use super::text;
use crate::cli::masks::{MaskFile, MaskList, mask, mask_list};
use crate::cli::paths::{load_start, start};

/// Sizes of the picture and of the scales that lead up to it.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Size")]
#[serde(rename_all = "kebab-case")]
pub struct SizeOptions {
    /// Longer side in pixels, or 'full'
    #[arg(
        long,
        value_name = "N|full",
        default_value = "512",
        long_help = "Longer side of the picture in pixels, or 'full' for that of the content image"
    )]
    #[serde(with = "text")]
    pub size: Size,

    /// Longer side of the style images in pixels of the picture, or 'full' [default: that of the picture, larger below 384 for fine strokes]
    #[arg(long, value_name = "N|full", hide_short_help = true)]
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub style_size: Option<Size>,

    /// Scale of the style images and strokes
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_hyphen_values = true)]
    #[serde(with = "text")]
    pub style_scale: f32,

    /// How many times larger than the picture it is painted before it is reduced, 1 to 4
    #[arg(long, value_name = "X", default_value_t = Supersampling::NONE, hide_short_help = true)]
    #[serde(with = "text")]
    pub supersampling: Supersampling,

    /// Number of sizes, coarse to fine by the square root of 2, the size of the first as in 128px, or 'auto' to start near 362 pixels
    #[arg(long, value_name = "N|auto", default_value = "auto", hide_short_help = true)]
    #[serde(with = "text")]
    pub scales: Scales,

    /// Pixels painted beyond each edge and cut off: edges suffer from the zeros that the network pads with
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(..=256), hide_short_help = true)]
    #[serde(with = "text")]
    pub margin: u32,

    /// Evaluations at each size
    #[arg(
        long,
        value_name = "N|auto",
        default_value = "auto",
        long_help = "Evaluations at each size: one number, a list as in 500,300, or 'auto' for 120, then 60 each"
    )]
    #[serde(with = "text")]
    pub iterations: Iterations,
}

impl SizeOptions {
    /// Checks the numbers that clap does not.
    ///
    /// # Errors
    /// [`Error::Usage`] for a style scale that is not above 0.
    pub fn check(&self) -> Result<()> {
        if self.style_scale > 0.0 && self.style_scale.is_finite() {
            return Ok(());
        }
        Err(Error::Usage(format!("--style-scale must be above 0, not {}", self.style_scale)))
    }

    /// The scales of a painting whose content image has a width and height in its file.
    ///
    /// # Errors
    /// As [`Schedule::new`].
    pub fn schedule(&self, (width, height): (u32, u32), deepest: LayerId) -> Result<Schedule> {
        let picture = scaled_dimensions(width, height, self.size);
        let least = deepest.downscale() as u32;
        Schedule::new(picture, self.supersampling, self.scales, &self.iterations, least)
    }

    /// Width and height of what is painted from a content image that has a width and height in its file.
    pub fn painted_size(&self, (width, height): (u32, u32)) -> (u32, u32) {
        self.supersampling.painted_size(scaled_dimensions(width, height, self.size))
    }

    /// A style image resized to suit the last scale of this schedule. Its strokes are as large in the picture as without
    /// supersampling.
    pub fn scaled_style(&self, style: &Image, schedule: &Schedule) -> Result<Image> {
        let (width, height) = schedule.picture_size();
        let base = match self.style_size {
            None => style_side(style, width.max(height))?,
            Some(Size::Longer(longer)) => longer,
            Some(Size::Full) => style.width().max(style.height()),
        };
        let longer = (f64::from(base) * f64::from(self.style_scale) * schedule.supersampling()).round();
        style.resized(Size::Longer((longer as u32).max(1)))
    }
}

/// Share of noise in the initial image. Written `auto` or a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Noise {
    /// [`IN_CONTENT`](Self::IN_CONTENT) in the content image, none in other initial images.
    Auto,
    /// As given.
    Share(NoiseShare),
}

impl Noise {
    /// Strokes do not grow in flat walls and skies without some noise: see `docs/src/guide/defaults.md`.
    const IN_CONTENT: NoiseShare = NoiseShare { detailed: 0.0, flat: 0.9 };

    /// The share of noise for this initial image.
    fn share_in(self, start: &Start) -> NoiseShare {
        match self {
            Self::Share(share) => share,
            Self::Auto if *start == Start::Content => Self::IN_CONTENT,
            Self::Auto => NoiseShare::NONE,
        }
    }
}

impl FromStr for Noise {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => text.parse().map(Self::Share).map_err(|_| {
                Error::Usage(format!(
                    "'{text}' is no share of noise: give a number from 0 to 1, two as in 0.2..0.8, or 'auto'"
                ))
            }),
        }
    }
}

impl fmt::Display for Noise {
    /// Writes what `from_str` reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Share(share) => write!(f, "{share}"),
        }
    }
}

/// The initial image.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Initial image")]
#[serde(rename_all = "kebab-case")]
pub struct StartOptions {
    /// Initial image: 'content', 'noise', 'style', or an image file
    #[arg(long, value_name = "START", value_parser = start(), default_value = "content", hide_short_help = true)]
    #[serde(with = "text")]
    pub init: Start,

    /// Share of noise in the initial image, 0 to 1; one for detail and one for flat parts as in 0..0.9; or 'auto' for
    /// that in the content and 0 elsewhere
    #[arg(
        long,
        value_name = "X|auto",
        default_value = "auto",
        allow_hyphen_values = true,
        hide_short_help = true
    )]
    #[serde(with = "text")]
    pub init_noise: Noise,

    /// Seed of the noise: the same seed on the same device gives the same picture
    #[arg(long, value_name = "N", default_value_t = 0, hide_short_help = true)]
    #[serde(with = "text")]
    pub seed: u64,
}

impl StartOptions {
    /// The initial image with its file read.
    ///
    /// # Errors
    /// As [`initial_image`](Self::initial_image); [`Error::Image`] for a file that cannot be read.
    pub fn loaded(&self) -> Result<InitialImage> {
        let initial_image = self.initial_image()?;
        Ok(InitialImage { start: load_start(&initial_image.start)?, ..initial_image })
    }

    /// The initial image in the library's terms.
    ///
    /// # Errors
    /// [`Error::Usage`] for a share of noise outside 0 to 1.
    pub fn initial_image(&self) -> Result<InitialImage> {
        let noise = self.init_noise.share_in(&self.init);
        noise.check()?;
        Ok(InitialImage { start: self.init.clone(), noise, seed: self.seed })
    }
}

/// The default of `--flat-content`: see `docs/src/guide/defaults.md`.
const FLAT_CONTENT: f32 = 0.2;
/// The default of `--detail-content`.
const DETAIL_CONTENT: f32 = 2.0;

/// Blending of styles, masks, and the content's colours.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Styles and colours")]
#[serde(rename_all = "kebab-case")]
pub struct StyleOptions {
    /// Share of each style image, as in 2,1 [default: equal shares]
    #[arg(long, value_name = "W,W", value_delimiter = ',', value_parser = parse_weight, allow_hyphen_values = true, hide_short_help = true)]
    #[serde(default, with = "text::weights", skip_serializing_if = "Vec::is_empty")]
    pub style_weights: Vec<f32>,

    /// A mask for each style, white where it applies: left.png,right.png or map.png#ff0000,map.png#0000ff for two
    /// colours of one; repeatable
    #[arg(long, value_name = "FILE,FILE", value_parser = mask_list(), hide_short_help = true)]
    #[serde(default, with = "text::mask_lists", skip_serializing_if = "Vec::is_empty")]
    pub style_mask: Vec<MaskList>,

    /// A mask for each style image, white on the part of it that is used; repeatable
    #[arg(long, value_name = "FILE,FILE", value_parser = mask_list(), hide_short_help = true)]
    #[serde(default, with = "text::mask_lists", skip_serializing_if = "Vec::is_empty")]
    pub style_region: Vec<MaskList>,

    /// A mask, white where the content is kept
    #[arg(long, value_name = "FILE", value_parser = mask(), hide_short_help = true)]
    #[serde(default, with = "text::mask", skip_serializing_if = "Option::is_none")]
    pub content_mask: Option<MaskFile>,

    /// Weight of the content term where the content image is flat, as in walls and skies, 0 to 1
    #[arg(long, value_name = "X", default_value_t = FLAT_CONTENT, allow_hyphen_values = true, hide_short_help = true)]
    #[serde(with = "text")]
    pub flat_content: f32,

    /// Weight of the content term where the content image has most contrast, as in eyes and outlines, 1 to 100
    #[arg(long, value_name = "X", default_value_t = DETAIL_CONTENT, allow_hyphen_values = true, hide_short_help = true)]
    #[serde(with = "text")]
    pub detail_content: f32,

    /// How to keep the content's colours
    #[arg(long, value_name = "HOW", default_value_t = KeepColors::None,
        long_help = "Content colours to keep: none, luminance (in the picture), histogram or linear (in the style)")]
    #[serde(with = "text")]
    pub keep_colors: KeepColors,

    /// Opacity of the painting over the content image, 0 to 1
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_hyphen_values = true, hide_short_help = true)]
    #[serde(with = "text")]
    pub strength: f32,
}

/// The regions of masks, one for each style image, or none at all.
fn one_for_each(masks: &[MaskList], styles: usize, option: &str) -> Result<Vec<Option<Region>>> {
    let masks: Vec<&MaskFile> = masks.iter().flat_map(|list| &list.0).collect();
    match masks.len() {
        0 => Ok(vec![None; styles]),
        n if n == styles => masks.into_iter().map(|mask| mask.region().map(Some)).collect(),
        n => Err(Error::Usage(format!(
            "{option} has {n} files, and the number of style images is {styles}: give one for each"
        ))),
    }
}

impl StyleOptions {
    /// How much content counts, by local contrast.
    pub fn content_weights(&self) -> ContentWeights {
        ContentWeights { flat: self.flat_content, detail: self.detail_content }
    }

    /// What happens to the painted image before it is written.
    ///
    /// # Errors
    /// [`Error::Usage`] for a strength outside 0 to 1.
    pub fn finish(&self) -> Result<Finish> {
        let finish = Finish { colors: self.keep_colors, strength: self.strength };
        finish.check()?;
        Ok(finish)
    }

    /// The region of each of `styles` style images; `None` is everywhere.
    ///
    /// # Errors
    /// [`Error::Usage`] unless there is a mask for each, or none at all; [`Error::Image`] for a mask that
    /// cannot be read or used.
    pub fn regions(&self, styles: usize) -> Result<Vec<Option<Region>>> {
        one_for_each(&self.style_mask, styles, "--style-mask")
    }

    /// The part of each of `styles` style images that is used; `None` is all of it.
    ///
    /// # Errors
    /// As [`regions`](Self::regions).
    pub fn image_regions(&self, styles: usize) -> Result<Vec<Option<Region>>> {
        one_for_each(&self.style_region, styles, "--style-region")
    }

    /// The region of the content image that the user gives.
    ///
    /// # Errors
    /// [`Error::Image`] for a mask that cannot be read or used.
    pub fn content_mask_region(&self) -> Result<Option<Region>> {
        self.content_mask.as_ref().map(MaskFile::region).transpose()
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
                "--style-weights has {n} numbers, and the number of style images is {count}: give one for each"
            ))),
            _ if weights.iter().sum::<f32>() > 0.0 => Ok(weights.clone()),
            _ => Err(Error::Usage("--style-weights are all 0: one must be above it".into())),
        }
    }
}

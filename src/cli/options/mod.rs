//! Options that several commands take, in groups by what they are about.

mod device;
mod images;
mod objective;
mod output;
mod text;

pub use device::{
    CommonOptions, KernelOptions, OwnKernelFile, PAINTING_PRECISION, PrecisionOption, memory_size,
};
pub use images::{SizeOptions, StartOptions, StyleOptions};
pub use objective::{MethodOptions, NetworkOption, NetworkOptions, ObjectiveOptions};
pub use output::{AlphaOption, DepthOption, OutputOptions};

use std::path::PathBuf;

use clap::Args;
use impasto::Result;
use impasto::painter::{Plan, Schedule, Start};
use serde::{Deserialize, Serialize};

/// Defaults of a painting that differ from those of the reference objective, which `score` and `profile` use.
/// `docs/src/guide/defaults.md` shows how they were chosen.
pub const CONTENT_LAYERS: &str = "conv2_2";
pub const STYLE_LAYERS: &str = "conv1_1,conv2_1,conv3_1";
pub const STYLE_WEIGHT: &str = "2000";
const TONE_WEIGHT: &str = "0.005";
const TV_WEIGHT: &str = "0.005";
const NETWORK: &str = "balanced";

/// What the files of options are for, in messages.
const STYLE_MASK: &str = "a style mask";
const STYLE_REGION: &str = "the mask of a style image";
const CONTENT_MASK: &str = "the content mask";
const WEIGHTS: &str = "the weights";
const INITIAL_IMAGE: &str = "the initial image";

/// Every option that, with the images, decides what the picture becomes.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(
    mut_arg("content_layers", |arg| arg.default_value(CONTENT_LAYERS)),
    mut_arg("style_layers", |arg| arg.default_value(STYLE_LAYERS)),
    mut_arg("style_weight", |arg| arg.default_value(STYLE_WEIGHT)),
    mut_arg("tone_weight", |arg| arg.default_value(TONE_WEIGHT)),
    mut_arg("tv_weight", |arg| arg.default_value(TV_WEIGHT)),
    mut_arg("network", |arg| arg.default_value(NETWORK))
)]
pub struct PaintingOptions {
    #[command(flatten)]
    #[serde(flatten)]
    pub sizes: SizeOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub start: StartOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub styles: StyleOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub method: MethodOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub objective: ObjectiveOptions,
    #[command(flatten)]
    #[serde(flatten)]
    pub output: OutputOptions,
}

impl PaintingOptions {
    /// The files that the options name, each with what it is for.
    pub fn files(&self) -> Vec<(&'static str, &PathBuf)> {
        let masks = self.styles.style_mask.iter().flat_map(|list| &list.0);
        let mut files: Vec<_> = masks.map(|mask| (STYLE_MASK, &mask.path)).collect();
        let regions = self.styles.style_region.iter().flat_map(|list| &list.0);
        files.extend(regions.map(|mask| (STYLE_REGION, &mask.path)));
        files.extend(self.styles.content_mask.iter().map(|mask| (CONTENT_MASK, &mask.path)));
        files.extend(self.objective.network.weights.iter().map(|path| (WEIGHTS, path)));
        if let Start::File(path) = &self.start.init {
            files.push((INITIAL_IMAGE, path));
        }
        files
    }

    /// The same, to change the paths.
    pub fn files_mut(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        let masks = self.styles.style_mask.iter_mut().flat_map(|list| &mut list.0);
        let mut files: Vec<_> = masks.map(|mask| (STYLE_MASK, &mut mask.path)).collect();
        let regions = self.styles.style_region.iter_mut().flat_map(|list| &mut list.0);
        files.extend(regions.map(|mask| (STYLE_REGION, &mut mask.path)));
        files.extend(self.styles.content_mask.iter_mut().map(|mask| (CONTENT_MASK, &mut mask.path)));
        files.extend(self.objective.network.weights.iter_mut().map(|path| (WEIGHTS, path)));
        if let Start::File(path) = &mut self.start.init {
            files.push((INITIAL_IMAGE, path));
        }
        files
    }

    /// Refuses settings that can never work, before any file is read.
    ///
    /// # Errors
    /// [`Error::Usage`](impasto::Error::Usage) naming the option.
    pub fn check(&self, styles: &[PathBuf]) -> Result<()> {
        self.objective.settings()?;
        self.method.method()?;
        self.sizes.check()?;
        self.start.initial_image()?;
        self.styles.finish()?;
        self.styles.content_weights().check()?;
        self.styles.weights(styles).map(|_| ())
    }

    /// The plan of a painting through these scales, in at most `memory` bytes.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn plan(&self, schedule: Schedule, pauses: Vec<usize>, memory: Option<u64>) -> Result<Plan> {
        Ok(Plan {
            settings: self.objective.settings()?,
            method: self.method.method()?,
            schedule,
            tolerance: self.method.until.map(f64::from),
            finish: self.styles.finish()?,
            pauses,
            memory,
        })
    }
}

/// A number of evaluations between two events.
pub fn at_least_one(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("give a whole number from 1 up".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches};
    use impasto::image_io::Image;

    use super::*;

    fn painting(line: &str) -> PaintingOptions {
        let command = PaintingOptions::augment_args(Command::new("").no_binary_name(true));
        let matches = command.try_get_matches_from(line.split_whitespace()).unwrap();
        PaintingOptions::from_arg_matches(&matches).unwrap()
    }

    fn schedule(options: &PaintingOptions) -> Schedule {
        let deepest = options.objective.settings().unwrap().deepest();
        options.sizes.schedule((640, 480), deepest).unwrap()
    }

    #[test]
    fn styles_grow_with_what_is_painted() {
        // A ramp: strokes that are broad enough for small pictures.
        let ramp = (0..100 * 50).flat_map(|i| [(i % 100 * 2) as f32; 3]).collect();
        let style = Image::from_rgb(100, 50, ramp).unwrap();
        for (line, longer) in [
            ("--size 256 --supersampling 1.25", 320),
            ("--size 256", 256),
            ("--size 256 --supersampling 1.25 --style-size 64", 80),
            ("--size 256 --supersampling 1.25 --style-size full", 125),
            ("--size 256 --supersampling 1.25 --style-size full --style-scale 2", 250),
            ("--size 512 --style-size 64", 64),
        ] {
            let options = painting(line);
            let scaled = options.sizes.scaled_style(&style, &schedule(&options)).unwrap();
            assert_eq!(scaled.width(), longer, "{line}");
        }
    }
}

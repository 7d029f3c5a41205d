//! What is minimised.

use clap::Args;
use impasto::objective::{LayerWeights, Scaling, Settings, parse_weight};
use impasto::{Error, Result};

use super::NetworkOptions;

/// What is minimised.
#[derive(Debug, Args)]
#[command(next_help_heading = "Objective")]
pub struct ObjectiveOptions {
    /// Layers whose activations are kept, each with an optional weight: conv4_2 or conv3_2=0.5,conv4_2
    #[arg(long, value_name = "LAYERS", default_value = Settings::CONTENT_LAYERS)]
    pub content_layers: LayerWeights,

    /// Layers whose Gram matrices are imitated, each with an optional weight
    #[arg(long, value_name = "LAYERS", default_value = Settings::STYLE_LAYERS)]
    pub style_layers: LayerWeights,

    /// Weight of the content, alpha
    #[arg(long, value_name = "W", default_value_t = Settings::CONTENT_WEIGHT, value_parser = parse_weight,
        allow_hyphen_values = true)]
    pub content_weight: f32,

    /// Weight of the style, beta
    #[arg(long, value_name = "W", default_value_t = Settings::STYLE_WEIGHT, value_parser = parse_weight,
        allow_hyphen_values = true)]
    pub style_weight: f32,

    /// alpha/beta: sets the style weight to the content weight divided by this
    // A list for the commands that paint with one after the other.
    #[arg(long, value_name = "A", conflicts_with = "style_weight", value_parser = parse_weight,
        value_delimiter = ',', allow_hyphen_values = true)]
    pub ratio: Vec<f32>,

    /// Weight of total variation: larger is smoother
    #[arg(long, value_name = "W", default_value_t = 0.0, value_parser = parse_weight, allow_hyphen_values = true)]
    pub tv_weight: f32,

    /// By what the terms of layers are divided: mean, or as the paper or a program has it: paper, area
    #[arg(long, value_name = "HOW", default_value_t = Scaling::Mean)]
    pub scaling: Scaling,

    #[command(flatten)]
    pub network: NetworkOptions,
}

impl ObjectiveOptions {
    /// The objective as the library wants it.
    ///
    /// # Errors
    /// [`Error::Usage`] for settings that leave nothing to minimise, and for several ratios.
    pub fn settings(&self) -> Result<Settings> {
        let style_weight = match self.ratio[..] {
            [] => self.style_weight,
            [ratio] if ratio > 0.0 => self.content_weight / ratio,
            [_] => return Err(Error::Usage("--ratio must be above 0: it divides".into())),
            _ => {
                let reason = "--ratio takes one number here: several are for 'impasto sweep'";
                return Err(Error::Usage(reason.into()));
            }
        };
        let settings = Settings {
            content_layers: self.content_layers.clone(),
            style_layers: self.style_layers.clone(),
            content_weight: self.content_weight,
            style_weight,
            tv_weight: self.tv_weight,
            scaling: self.scaling,
        };
        settings.check()?;
        Ok(settings)
    }
}

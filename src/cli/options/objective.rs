//! Options about what is minimised and how: the objective, the network and the optimiser.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use impasto::objective::{GradientNormalization, LayerWeights, Scaling, Settings, parse_weight};
use impasto::ops::Pooling;
use impasto::optim::Method;
use impasto::{Error, Result};
use serde::{Deserialize, Serialize};

use super::text;
use crate::cli::paths::path;

/// The objective.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Objective")]
#[serde(rename_all = "kebab-case")]
pub struct ObjectiveOptions {
    /// Layers of the content term, each with an optional weight: conv3_2=0.5,conv4_2
    #[arg(long, value_name = "LAYERS", default_value = Settings::CONTENT_LAYERS, hide_short_help = true)]
    #[serde(with = "text")]
    pub content_layers: LayerWeights,

    /// Layers of the style term, each with an optional weight
    #[arg(long, value_name = "LAYERS", default_value = Settings::STYLE_LAYERS, hide_short_help = true)]
    #[serde(with = "text")]
    pub style_layers: LayerWeights,

    /// Weight of the content term, alpha
    #[arg(long, value_name = "W", default_value_t = Settings::CONTENT_WEIGHT, value_parser = parse_weight,
        allow_hyphen_values = true, hide_short_help = true)]
    #[serde(with = "text::weight")]
    pub content_weight: f32,

    /// Weight of the style term, beta
    #[arg(long, value_name = "W", default_value_t = Settings::STYLE_WEIGHT, value_parser = parse_weight,
        allow_hyphen_values = true, hide_short_help = true)]
    #[serde(with = "text::weight")]
    pub style_weight: f32,

    /// alpha/beta in place of beta: smaller gives more style
    // A list for the commands that paint one image for each.
    #[arg(long, value_name = "A", conflicts_with = "style_weight", value_parser = parse_weight,
        value_delimiter = ',', allow_hyphen_values = true)]
    #[serde(default, with = "text::weights", skip_serializing_if = "Vec::is_empty")]
    pub ratio: Vec<f32>,

    /// Weight of tone beside the layers of the content term: larger keeps the light and dark of the content image
    #[arg(long, value_name = "W", default_value_t = 0.0, value_parser = parse_weight, allow_hyphen_values = true, hide_short_help = true)]
    #[serde(with = "text::weight")]
    pub tone_weight: f32,

    /// Weight of total variation: larger is smoother
    #[arg(long, value_name = "W", default_value_t = 0.0, value_parser = parse_weight, allow_hyphen_values = true, hide_short_help = true)]
    #[serde(with = "text::weight")]
    pub tv_weight: f32,

    /// Divisor of each layer's terms: mean, or that of the paper or a program: paper, area
    #[arg(long, value_name = "HOW", default_value_t = Scaling::Mean, hide_short_help = true)]
    #[serde(with = "text")]
    pub scaling: Scaling,

    /// Normalise the gradient of each layer as a program of this name does: none, neural-style, neural-style-pt
    #[arg(long, value_name = "HOW", default_value_t = GradientNormalization::None, hide_short_help = true)]
    #[serde(with = "text")]
    pub normalize_gradients: GradientNormalization,

    #[command(flatten)]
    #[serde(flatten)]
    pub network: NetworkOptions,
}

impl ObjectiveOptions {
    /// The objective in the library's terms.
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
            tone_weight: self.tone_weight,
            tv_weight: self.tv_weight,
            scaling: self.scaling,
            normalization: self.normalize_gradients,
        };
        settings.check()?;
        Ok(settings)
    }
}

/// The network and its weights.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Network")]
#[serde(rename_all = "kebab-case")]
pub struct NetworkOptions {
    /// Pooling between the blocks of the network
    #[arg(long, value_enum, default_value_t = PoolOption::Max, hide_short_help = true)]
    pub pool: PoolOption,

    /// Scaling of the network's weights
    #[arg(long, value_enum, default_value_t = NetworkOption::Normalised, hide_short_help = true)]
    pub network: NetworkOption,

    /// VGG19 weights in place of the built-in ones: safetensors with torchvision's or plain names
    #[arg(long, value_name = "FILE", value_parser = path(), hide_short_help = true)]
    #[serde(default, with = "text::path", skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
}

/// Max or average pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoolOption {
    /// The largest of four values
    Max,
    /// The mean of four values
    Avg,
}

impl From<PoolOption> for Pooling {
    fn from(option: PoolOption) -> Self {
        match option {
            PoolOption::Max => Self::Max,
            PoolOption::Avg => Self::Avg,
        }
    }
}

/// Scaling of the network's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkOption {
    /// Normalised, without the channels that hardly ever fire and would outweigh all others
    Balanced,
    /// Mean activation of each channel 1, as in the paper
    Normalised,
    /// As trained
    Raw,
}

/// The default of `--smoothing`: see `docs/src/guide/defaults.md`.
const SMOOTHING: f32 = 0.9;

/// The optimiser.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Optimiser")]
#[serde(rename_all = "kebab-case")]
pub struct MethodOptions {
    /// Optimisation method
    #[arg(long, value_enum, default_value_t = OptimizerOption::Lbfgs, hide_short_help = true)]
    pub optimizer: OptimizerOption,

    /// Step length [default: 1 for lbfgs, 2 for adam]
    #[arg(long, value_name = "X", allow_hyphen_values = true, hide_short_help = true)]
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub lr: Option<f32>,

    /// Pairs in the history of L-BFGS
    #[arg(long, value_name = "N", default_value_t = 100, hide_short_help = true)]
    #[serde(with = "text")]
    pub history: u32,

    /// Smoothing of the steps of L-BFGS, 0 to 0.99: more leaves fewer ripples and less fine detail
    #[arg(long, value_name = "X", default_value_t = SMOOTHING, allow_hyphen_values = true, hide_short_help = true)]
    #[serde(with = "text")]
    pub smoothing: f32,

    /// Return the running average of Adam's iterates, which is smoother
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = false,
        default_missing_value = "true", value_name = "true|false", hide_short_help = true)]
    #[serde(with = "text")]
    pub average: bool,

    /// End a scale early when the loss falls by less than this fraction in 20 evaluations
    #[arg(long, value_name = "X", value_parser = parse_weight, allow_hyphen_values = true, hide_short_help = true)]
    #[serde(default, with = "text::optional_weight", skip_serializing_if = "Option::is_none")]
    pub until: Option<f32>,
}

/// L-BFGS or Adam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerOption {
    /// Quasi-Newton: the lowest loss for a number of evaluations
    Lbfgs,
    /// Adaptive steps: less memory, and steadier
    Adam,
}

impl MethodOptions {
    /// The optimiser in the library's terms.
    ///
    /// # Errors
    /// [`Error::Usage`] for settings that cannot work.
    pub fn method(&self) -> Result<Method> {
        if self.average && self.optimizer != OptimizerOption::Adam {
            return Err(Error::Usage("--average needs --optimizer adam: only Adam keeps an average".into()));
        }
        let method = match self.optimizer {
            OptimizerOption::Adam => {
                Method::Adam { lr: self.lr.unwrap_or(Method::ADAM_LR), average: self.average }
            }
            OptimizerOption::Lbfgs => {
                let lr = self.lr.unwrap_or(Method::LBFGS_LR);
                Method::Lbfgs { lr, history: self.history, smoothing: self.smoothing }
            }
        };
        method.check()?;
        Ok(method)
    }
}

//! Which network looks at the pictures.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use impasto::ops::Pooling;

/// The network and its weights.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkOptions {
    /// How feature maps are halved
    #[arg(long, value_enum, default_value_t = PoolOption::Max)]
    pub pool: PoolOption,

    /// Weights scaled so that each channel's mean activation is 1, as in the paper; so, but for channels that hardly
    /// ever fire; or as trained
    #[arg(long, value_enum, default_value_t = NetworkOption::Normalised)]
    pub network: NetworkOption,

    /// VGG19 weights to use instead of the built-in ones: safetensors with torchvision's or plain names
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
}

/// Max or average pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PoolOption {
    /// The largest of four
    Max,
    /// The mean of four
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

/// How channels are weighed against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NetworkOption {
    /// Normalised, but for channels that hardly ever fire, which would outweigh all others
    Balanced,
    /// Mean activation of each channel 1
    Normalised,
    /// As trained
    Raw,
}

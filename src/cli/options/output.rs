//! Options about the file of the picture.

use clap::{Args, ValueEnum};
use impasto::image_io::Depth;
use serde::{Deserialize, Serialize};

/// What the file of the picture holds.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Picture file")]
#[serde(rename_all = "kebab-case")]
pub struct OutputOptions {
    /// What becomes of transparent parts of the content: kept, or painted as white
    #[arg(long, value_enum, default_value_t = AlphaOption::Keep, hide_short_help = true, hide_possible_values = true,
        value_name = "keep|white",
        long_help = "What becomes of transparent parts of the content. keep: the picture is as transparent, and what \
            cannot be seen counts in no loss term but total variation (PNG, WebP and TIFF; JPEG has no transparency); \
            white: they are painted as white")]
    pub alpha: AlphaOption,

    /// Bits of each channel: 16 for PNG and TIFF
    #[arg(long, value_enum, default_value_t = DepthOption::Eight, hide_short_help = true, hide_possible_values = true,
        value_name = "8|16")]
    pub depth: DepthOption,
}

/// What becomes of transparent parts of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlphaOption {
    /// They stay transparent
    Keep,
    /// They are white
    White,
}

/// Bits of each channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum DepthOption {
    /// 8 bits
    #[value(name = "8")]
    #[serde(rename = "8")]
    Eight,
    /// 16 bits
    #[value(name = "16")]
    #[serde(rename = "16")]
    Sixteen,
}

impl From<DepthOption> for Depth {
    fn from(option: DepthOption) -> Self {
        match option {
            DepthOption::Eight => Self::Eight,
            DepthOption::Sixteen => Self::Sixteen,
        }
    }
}

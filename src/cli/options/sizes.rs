//! How large, and in how many steps.

use clap::Args;
use impasto::image_io::Size;
use impasto::painter::{Iterations, Scales};

/// Sizes of the pictures and the schedule that leads up to them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Size")]
pub struct SizeOptions {
    /// Longer side of the picture in pixels, or 'full' for the size of the content image
    #[arg(long, value_name = "N|full", default_value = "512")]
    pub size: Size,

    /// Longer side of the style images, or 'full' [default: that of the picture]
    #[arg(long, value_name = "N|full")]
    pub style_size: Option<Size>,

    /// Sizes to paint at, coarse to fine by the square root of 2, or 'auto' for as many as begin near 128
    #[arg(long, value_name = "N|auto", default_value = "1")]
    pub scales: Scales,

    /// Evaluations of the objective at each scale: one number, or one a scale as in 500,300
    #[arg(long, value_name = "N", default_value = "300")]
    pub iterations: Iterations,
}

//! How large, and in how many steps.

use clap::Args;
use impasto::image_io::{Image, Size};
use impasto::painter::{Iterations, Scales};
use impasto::{Error, Result};

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

    /// Factor on the size of the style images: larger makes larger strokes
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_hyphen_values = true)]
    pub style_scale: f32,

    /// Sizes to paint at, coarse to fine by the square root of 2, or 'auto' for as many as begin near 128
    #[arg(long, value_name = "N|auto", default_value = "auto")]
    pub scales: Scales,

    /// Evaluations of the objective at each scale: one number, one a scale as in 500,300, or 'auto' for 100
    /// at the first and 40 at each that follows
    #[arg(long, value_name = "N|auto", default_value = "auto")]
    pub iterations: Iterations,
}

impl SizeOptions {
    /// Finds a factor that cannot be.
    ///
    /// # Errors
    /// [`Error::Usage`] for one that is not above 0.
    pub fn check(&self) -> Result<()> {
        if self.style_scale > 0.0 && self.style_scale.is_finite() {
            return Ok(());
        }
        Err(Error::Usage(format!("--style-scale must be above 0, not {}", self.style_scale)))
    }

    /// A style image at its size beside a content image that has its own already.
    pub fn scaled_style(&self, style: &Image, content: &Image) -> Result<Image> {
        let base = match self.style_size.unwrap_or(Size::Longer(content.width().max(content.height()))) {
            Size::Longer(longer) => longer,
            Size::Full => style.width().max(style.height()),
        };
        let longer = (f64::from(base) * f64::from(self.style_scale)).round();
        style.resized(Size::Longer((longer as u32).max(1)))
    }
}

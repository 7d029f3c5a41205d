//! Post-processing of the painted image: colours of the content, and blending with it.

use crate::colour::{KeepColors, blend};
use crate::error::{Error, Result, Setting};
use crate::image_io::Image;

/// What is done to a painted image before it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finish {
    /// Which colours it takes from the content.
    pub colors: KeepColors,
    /// Weight of the painting, 0 to 1; the content has the rest.
    pub strength: f32,
}

impl Default for Finish {
    /// The image as painted.
    fn default() -> Self {
        Self { colors: KeepColors::None, strength: 1.0 }
    }
}

impl Finish {
    /// Checks the strength.
    ///
    /// # Errors
    /// [`Error::Setting`] for one outside 0 to 1.
    pub fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.strength) {
            return Ok(());
        }
        Err(Error::setting(Setting::Strength, format!("must be from 0 to 1, not {}", self.strength)))
    }

    /// The finished image; `content` is scaled to its size.
    ///
    /// # Errors
    /// [`Error::Image`] if a value is NaN or infinite.
    pub fn apply(&self, image: Image, content: &Image) -> Result<Image> {
        if *self == Self::default() {
            return Ok(image);
        }
        let content = content.resized_to(image.width(), image.height())?;
        let coloured = self.colors.finish(&image, &content)?;
        blend(&coloured, &content, self.strength)
    }
}

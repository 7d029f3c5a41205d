//! From the painted picture to the one that is shown.

use crate::colour::{KeepColors, blend};
use crate::error::{Error, Result, Setting};
use crate::image_io::Image;

/// What is done to a painted picture before it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finish {
    /// Colours that it gets back from the content.
    pub colors: KeepColors,
    /// How much of the painting shows, 0 to 1; the rest is the content.
    pub strength: f32,
}

impl Default for Finish {
    /// The picture as it was painted.
    fn default() -> Self {
        Self { colors: KeepColors::None, strength: 1.0 }
    }
}

impl Finish {
    /// Finds a strength that cannot be.
    ///
    /// # Errors
    /// [`Error::Setting`] for one outside 0 to 1.
    pub fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.strength) {
            return Ok(());
        }
        Err(Error::setting(Setting::Strength, format!("must be from 0 to 1, not {}", self.strength)))
    }

    /// The picture as it is shown; `content` is scaled to its size.
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

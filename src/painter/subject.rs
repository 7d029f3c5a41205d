//! What is painted: the pictures that a painting is made from.

use super::Scale;
use crate::error::Result;
use crate::image_io::Image;
use crate::objective::{Region, Style};

/// The content and the styles of a painting, at the sizes of its last scale.
#[derive(Debug, Clone)]
pub struct Subject {
    /// What the picture is to show.
    pub content: Image,
    /// How it is to be painted.
    pub styles: Vec<Style>,
    /// Where the content counts; `None` is everywhere.
    pub content_region: Option<Region>,
}

impl Subject {
    /// The same at another scale: the content of just its size, the styles smaller by its fraction.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) for a size that no picture can have.
    pub fn at(&self, scale: &Scale) -> Result<Self> {
        let side = |side: u32| ((f64::from(side) * scale.fraction).round() as u32).max(1);
        let smaller = |style: &Style| {
            let image = style.image.resized_to(side(style.image.width()), side(style.image.height()))?;
            Ok(Style { image, ..style.clone() })
        };
        Ok(Self {
            content: self.content.resized_to(scale.width, scale.height)?,
            styles: self.styles.iter().map(smaller).collect::<Result<_>>()?,
            content_region: self.content_region.clone(),
        })
    }
}

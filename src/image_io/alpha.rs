//! Transparency of images.

use std::sync::Arc;

use super::{Image, check_pixels};
use crate::error::{Error, Result};

/// The opacity of each pixel of an image, at least 1 x 1. It is apart from [`Image`], which has its colours over white.
#[derive(Clone, Debug, PartialEq)]
pub struct Alpha {
    width: u32,
    height: u32,
    /// Shared by clones.
    values: Arc<Vec<f32>>,
}

impl Alpha {
    /// Lower values are 0 in a file of 8 bits.
    const LEAST: f32 = 0.5;

    /// From `width * height` values: rows from the top, 0 for transparent to 255 for opaque. Values outside that range
    /// are clamped into it.
    ///
    /// # Errors
    /// [`Error::Usage`] for a side of 0, more than [`MAX_PIXELS`](super::MAX_PIXELS), another number of values, or one
    /// that is NaN.
    pub fn new(width: u32, height: u32, mut values: Vec<f32>) -> Result<Self> {
        check_pixels(width, height).map_err(Error::Usage)?;
        if values.len() != width as usize * height as usize || values.iter().any(|v| v.is_nan()) {
            return Err(Error::Usage(format!("{width} x {height} pixels need as many numbers of opacity")));
        }
        values.iter_mut().for_each(|v| *v = v.clamp(0.0, 255.0));
        Ok(Self { width, height, values: Arc::new(values) })
    }

    /// Pixels per row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The values, in 0..=255.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// True if no pixel is transparent at all.
    pub fn is_opaque(&self) -> bool {
        self.values.iter().all(|v| *v >= 255.0)
    }

    /// The same scaled as [`Image::resized_to`] scales images.
    ///
    /// # Errors
    /// As [`Image::resized_to`].
    pub fn resized_to(&self, width: u32, height: u32) -> Result<Self> {
        if (width, height) == (self.width, self.height) {
            return Ok(self.clone());
        }
        let scaled = self.grey(|v| v)?.resized_to(width, height)?;
        let values = scaled.pixels().chunks_exact(3).map(|rgb| rgb[0]).collect();
        Ok(Self { width, height, values: Arc::new(values) })
    }

    /// True if a pixel is fully transparent: nothing is left of it in 8 bits.
    pub fn hides_pixels(&self) -> bool {
        self.values.iter().any(|v| *v < Self::LEAST)
    }

    /// A mask of what can be seen: black where the image is fully transparent, white elsewhere.
    ///
    /// # Errors
    /// As [`Image::from_rgb`].
    pub fn visible(&self) -> Result<Image> {
        self.grey(|v| if v < Self::LEAST { 0.0 } else { 255.0 })
    }

    /// An image whose channels all have these values.
    fn grey(&self, value: impl Fn(f32) -> f32) -> Result<Image> {
        Image::from_rgb(self.width, self.height, self.values.iter().flat_map(|v| [value(*v); 3]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphas_are_checked_and_scaled() {
        assert!(Alpha::new(2, 2, vec![0.0; 3]).is_err());
        assert!(Alpha::new(0, 2, vec![]).is_err());
        assert!(Alpha::new(1, 1, vec![f32::NAN]).is_err());
        let alpha = Alpha::new(4, 1, vec![-1.0, 0.6, 300.0, 255.0]).unwrap();
        assert_eq!(alpha.values(), [0.0, 0.6, 255.0, 255.0]);
        assert!(
            alpha.hides_pixels() && !alpha.is_opaque() && Alpha::new(1, 1, vec![255.0]).unwrap().is_opaque()
        );
        let visible = alpha.visible().unwrap();
        assert_eq!(visible.pixels()[..9], [0.0, 0.0, 0.0, 255.0, 255.0, 255.0, 255.0, 255.0, 255.0]);
        let scaled = alpha.resized_to(8, 2).unwrap();
        assert_eq!((scaled.width(), scaled.height(), scaled.values().len()), (8, 2, 16));
        assert!(scaled.values()[0] < 60.0 && scaled.values()[7] > 200.0);
    }
}

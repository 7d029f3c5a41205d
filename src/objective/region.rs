//! Regions: where in the image a loss term applies.

use crate::error::{Error, Result};
use crate::gpu::Shape;
use crate::image_io::Image;

/// A grey image: white where a term applies, black where it does not. It is scaled to the size of each layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    mask: Image,
    white: f32,
}

impl Region {
    /// A region from the brightness of an image.
    ///
    /// # Errors
    /// [`Error::Usage`] if all of it is black.
    pub fn new(mask: Image) -> Result<Self> {
        if mask.pixels().iter().all(|value| *value < 1.0) {
            return Err(Error::Usage("a mask is black all over: make it white where it applies".into()));
        }
        Ok(Self { mask, white: 1.0 })
    }

    /// The region with features multiplied by `white`, in place of 1, where the image is white.
    pub fn with_white(self, white: f32) -> Self {
        Self { white, ..self }
    }

    /// The whole image, as a mask.
    pub(super) fn everywhere() -> Self {
        Self { mask: Image::white(), white: 1.0 }
    }

    /// The image.
    pub fn mask(&self) -> &Image {
        &self.mask
    }

    /// What features are multiplied by where the image is white.
    pub fn white(&self) -> f32 {
        self.white
    }

    /// The region at a size, with a mirrored margin around it.
    ///
    /// # Errors
    /// [`Error::Usage`] for a size that no image can have.
    pub fn at(&self, width: u32, height: u32, margin: u32) -> Result<Self> {
        let mask = self.mask.resized_to(width, height)?.with_margin(margin)?;
        Ok(Self { mask, ..*self })
    }

    /// One value from 0 to [`white`](Self::white) for each position of features.
    ///
    /// # Errors
    /// [`Error::Usage`] for features without positions.
    pub(super) fn weights(&self, features: Shape) -> Result<Vec<f32>> {
        let scaled = self.mask.resized_to(features.width, features.height)?;
        let weight = |rgb: &[f32]| self.white * (rgb[0] + rgb[1] + rgb[2]) / (3.0 * 255.0);
        Ok(scaled.pixels().chunks_exact(3).map(weight).collect())
    }

    /// [`weights`](Self::weights) scaled to a mean square of 1, so that the Gram matrix of masked features is a mean over
    /// the region, independent of its size (Gatys et al. 2017, arXiv:1611.07865, section 3). All 0 if the region vanishes at
    /// this resolution.
    ///
    /// # Errors
    /// As [`weights`](Self::weights).
    pub(super) fn guidance(&self, features: Shape) -> Result<Vec<f32>> {
        let weights = self.weights(features)?;
        let square = weights.iter().map(|w| w * w).sum::<f32>() / weights.len() as f32;
        let factor = if square > 0.0 { square.sqrt().recip() } else { 0.0 };
        Ok(weights.into_iter().map(|w| factor * w).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guidance_has_a_mean_square_of_one() {
        let mut rgb = vec![0.0; 8 * 4 * 3];
        rgb.chunks_exact_mut(3)
            .enumerate()
            .filter(|(p, _)| p % 8 < 2)
            .for_each(|(_, pixel)| pixel.fill(255.0));
        let region = Region::new(Image::from_rgb(8, 4, rgb).unwrap()).unwrap();
        let features = Shape::blocked(3, 4, 8);
        let (weights, guidance) = (region.weights(features).unwrap(), region.guidance(features).unwrap());
        assert_eq!((weights[0], weights[7]), (1.0, 0.0));
        assert!((guidance[0] - 2.0).abs() < 1e-5 && guidance[7] == 0.0, "a quarter of the image");
        assert_eq!(region.weights(Shape::blocked(3, 1, 2)).unwrap().len(), 2);
        let brighter = region.clone().with_white(1.5).at(8, 4, 0).unwrap();
        assert_eq!(brighter.weights(features).unwrap()[0], 1.5);
        assert_eq!(brighter.guidance(features).unwrap(), guidance);
        assert!(Region::new(Image::from_rgb(2, 1, vec![0.0; 6]).unwrap()).is_err());
    }
}

//! A margin around an image: its pixels mirrored at the edges.

use super::Image;
use crate::error::Result;

impl Image {
    /// The image with `margin` more pixels on each side, mirrored at the edges.
    ///
    /// # Errors
    /// [`Error::Image`](crate::Error::Image) when the result would have more than [`MAX_PIXELS`](super::MAX_PIXELS).
    pub fn with_margin(&self, margin: u32) -> Result<Self> {
        let rgb =
            mirrored(self.pixels(), [self.width() as usize, self.height() as usize], margin as usize, 3);
        Self::from_rgb(self.width() + 2 * margin, self.height() + 2 * margin, rgb)
    }

    /// The image without the outermost `margin` pixels on each side.
    ///
    /// # Errors
    /// [`Error::Image`](crate::Error::Image) if nothing is left.
    pub fn without_margin(&self, margin: u32) -> Result<Self> {
        let side = |length: u32| length.saturating_sub(2 * margin);
        let [width, height] = [side(self.width()), side(self.height())];
        let core = core(self.pixels(), [width as usize, height as usize], margin as usize, 3);
        Self::from_rgb(width, height, core)
    }
}

/// Planes of `size` (width, height), one behind the other, each with `margin` more values on each side, mirrored at
/// the edges.
pub fn planes_with_margin(planes: &[f32], size: [usize; 2], margin: usize) -> Vec<f32> {
    let planes = planes.chunks_exact(size[0] * size[1]);
    planes.flat_map(|plane| mirrored(plane, size, margin, 1)).collect()
}

/// Planes of `size` (width, height), one behind the other, from planes that have `margin` more values on each side.
pub fn planes_without_margin(planes: &[f32], size: [usize; 2], margin: usize) -> Vec<f32> {
    let planes = planes.chunks_exact((size[0] + 2 * margin) * (size[1] + 2 * margin));
    planes.flat_map(|plane| core(plane, size, margin, 1)).collect()
}

/// Rows of `channels` interleaved values with mirrored values around them.
fn mirrored(values: &[f32], [width, height]: [usize; 2], margin: usize, channels: usize) -> Vec<f32> {
    let along = |length: usize| (0..length + 2 * margin).map(move |i| source(i, length, margin));
    let pixel = |(y, x): (usize, usize)| &values[(y * width + x) * channels..][..channels];
    along(height).flat_map(|y| along(width).map(move |x| (y, x))).flat_map(pixel).copied().collect()
}

/// Where position `i` of a side with a margin comes from: 1 0 | 0 1 2 | 2 1, and so on in turns.
fn source(i: usize, length: usize, margin: usize) -> usize {
    let period = 2 * length;
    // Never below 0: a whole number of periods is at least as long as the margin.
    let folded = (i + margin.div_ceil(period) * period - margin) % period;
    folded.min(period - 1 - folded)
}

/// The rows of `channels` interleaved values inside a margin.
fn core(values: &[f32], [width, height]: [usize; 2], margin: usize, channels: usize) -> Vec<f32> {
    let stride = (width + 2 * margin) * channels;
    let row = |y: usize| &values[(y + margin) * stride + margin * channels..][..width * channels];
    (0..height).flat_map(row).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_mirror_the_image() {
        let sources = |length, margin| (0..length + 2 * margin).map(move |i| source(i, length, margin));
        assert_eq!(sources(3, 2).collect::<Vec<_>>(), [1, 0, 0, 1, 2, 2, 1]);
        // A margin wider than the image is mirrored again and again.
        assert_eq!(sources(2, 5).collect::<Vec<_>>(), [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
        assert!(sources(1, 9).all(|source| source == 0));
    }

    #[test]
    fn what_is_added_is_removed() {
        let image = Image::from_rgb(3, 2, (0..18).map(|v| v as f32).collect()).unwrap();
        let larger = image.with_margin(2).unwrap();
        assert_eq!((larger.width(), larger.height()), (7, 6));
        assert_eq!(
            larger.pixels()[..3],
            image.pixels()[(3 + 1) * 3..][..3],
            "the corner is mirrored both ways"
        );
        assert_eq!(larger.without_margin(2).unwrap(), image);
        assert_eq!(image.with_margin(0).unwrap(), image);
        assert!(image.without_margin(1).is_err());
        let planes: Vec<f32> = (0..18).map(|v| v as f32).collect();
        let larger = planes_with_margin(&planes, [3, 2], 4);
        assert_eq!(larger.len(), 3 * 11 * 10);
        assert_eq!(planes_without_margin(&larger, [3, 2], 4), planes);
    }
}

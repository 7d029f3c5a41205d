//! Local contrast: what is flat in a photograph, such as walls and skies, and what is detail.

use crate::colour::luma;
use crate::image_io::Image;

/// Local contrast, in levels of 255, at which the flatness is `1/e`.
const CONTRAST: f32 = 10.0;
/// Radius of the window in which contrast is measured, as a part of the longer side.
const RADIUS: f32 = 1.0 / 32.0;

/// How flat an image is at each pixel, rows from the top: 1 without contrast, towards 0 in detail.
pub(super) fn flatness(image: &Image) -> Vec<f32> {
    local_contrast(image).into_iter().map(flatness_of).collect()
}

/// How flat an image is where the local contrast is this.
pub(super) fn flatness_of(contrast: f32) -> f32 {
    (-contrast / CONTRAST).exp()
}

/// Standard deviation of the luma (Rec. 601) in a square window around each pixel, in levels of 255.
pub(super) fn local_contrast(image: &Image) -> Vec<f32> {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let radius = ((width.max(height) as f32 * RADIUS).round() as usize).max(1);
    let luma: Vec<f64> = image.pixels().chunks_exact(3).map(|rgb| f64::from(luma(rgb))).collect();
    let mean = window_mean(&luma, width, height, radius);
    let squares: Vec<f64> = luma.iter().map(|value| value * value).collect();
    let mean_square = window_mean(&squares, width, height, radius);
    mean.iter().zip(mean_square).map(|(mean, square)| (square - mean * mean).max(0.0).sqrt() as f32).collect()
}

/// Mean of the window of `2 radius + 1` rows and columns around each position, cut at the edges. Sums over rectangles
/// come from a summed-area table (Crow, 1984).
fn window_mean(values: &[f64], width: usize, height: usize, radius: usize) -> Vec<f64> {
    // Entry (y, x) is the sum of the values above and to the left of it.
    let mut table = vec![0.0; (width + 1) * (height + 1)];
    let at = |y: usize, x: usize| y * (width + 1) + x;
    for y in 0..height {
        let mut row = 0.0;
        for x in 0..width {
            row += values[y * width + x];
            table[at(y + 1, x + 1)] = table[at(y, x + 1)] + row;
        }
    }
    let mean = |y: usize, x: usize| {
        let (top, bottom) = (y.saturating_sub(radius), (y + radius + 1).min(height));
        let (left, right) = (x.saturating_sub(radius), (x + radius + 1).min(width));
        let sum =
            table[at(bottom, right)] - table[at(top, right)] - table[at(bottom, left)] + table[at(top, left)];
        sum / ((bottom - top) * (right - left)) as f64
    };
    (0..width * height).map(|i| mean(i / width, i % width)).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The left half flat, the right half stripes of one pixel, black and white.
    pub fn half_flat() -> Image {
        let value = |x: u32| if x >= 64 && x.is_multiple_of(2) { 255.0 } else { 0.0 };
        let rgb = (0..128 * 96).flat_map(|i| [value(i % 128); 3]).collect();
        Image::from_rgb(128, 96, rgb).unwrap()
    }

    #[test]
    fn contrast_is_the_standard_deviation_of_the_window() {
        let image = half_flat();
        let contrast = local_contrast(&image);
        // The window of radius 4 around column 64 holds five columns of stripes, three of them white.
        let white = 3.0_f32 / 9.0;
        let expected = 255.0 * (white - white * white).sqrt();
        assert!((contrast[40 * 128 + 64] - expected).abs() < 0.1, "{} {expected}", contrast[40 * 128 + 64]);
        assert_eq!(contrast[0], 0.0);
    }
}

//! Flat parts of a photograph, such as walls and skies, and the weight of the content term there.

use crate::colour::luma;
use crate::error::{Error, Result, Setting};
use crate::image_io::Image;
use crate::objective::Region;

/// Local contrast, in levels of 255, at which the flatness is `1/e`.
const CONTRAST: f32 = 10.0;
/// Radius of the window in which contrast is measured, as a part of the longer side.
const RADIUS: f32 = 1.0 / 32.0;

/// How flat an image is at each pixel, rows from the top: 1 without contrast, towards 0 in detail.
pub(super) fn flatness(image: &Image) -> Vec<f32> {
    local_contrast(image).into_iter().map(|contrast| (-contrast / CONTRAST).exp()).collect()
}

/// The region in which the content term applies, with less weight where `content` is flat: errors count by `weight`,
/// 0 to 1, where there is no contrast. There the term asks for nothing but the absence of strokes. The region is a
/// part of `mask`, if there is one.
///
/// # Errors
/// [`Error::Setting`] for a weight outside 0 to 1; [`Error::Usage`] if nothing of the region is left.
pub fn content_region(content: &Image, weight: f32, mask: Option<Region>) -> Result<Option<Region>> {
    check_flat_content(weight)?;
    if weight == 1.0 {
        return Ok(mask);
    }
    // Errors count by the square of a region's brightness.
    let factors = flatness(content).into_iter().map(|flatness| (1.0 + (weight - 1.0) * flatness).sqrt());
    let pixels = match mask {
        Some(mask) => mask.mask().resized_to(content.width(), content.height())?.into_pixels(),
        None => vec![255.0; content.pixels().len()],
    };
    let weighted =
        pixels.chunks_exact(3).zip(factors).flat_map(|(rgb, factor)| rgb.iter().map(move |v| v * factor));
    Region::new(Image::from_rgb(content.width(), content.height(), weighted.collect())?).map(Some)
}

/// Checks the weight of [`content_region`].
///
/// # Errors
/// [`Error::Setting`] for one outside 0 to 1.
pub fn check_flat_content(weight: f32) -> Result<()> {
    match (0.0..=1.0).contains(&weight) {
        true => Ok(()),
        false => Err(Error::setting(Setting::FlatContent, format!("must be from 0 to 1, not {weight}"))),
    }
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

    #[test]
    fn content_counts_less_where_it_is_flat() {
        let image = half_flat();
        let brightness = |mask: Option<Region>| {
            let region = content_region(&image, 0.25, mask).unwrap().unwrap();
            let at = |x: usize| region.mask().pixels()[(40 * 128 + x) * 3];
            [at(10), at(120)]
        };
        let [flat, detailed] = brightness(None);
        assert!((flat - 127.5).abs() < 0.1 && (detailed - 255.0).abs() < 0.1, "{flat} {detailed}");
        let grey = Region::new(Image::from_rgb(2, 2, vec![102.0; 12]).unwrap()).unwrap();
        let [flat, detailed] = brightness(Some(grey.clone()));
        assert!((flat - 51.0).abs() < 0.1 && (detailed - 102.0).abs() < 0.1, "{flat} {detailed}");
        assert_eq!(content_region(&image, 1.0, Some(grey.clone())).unwrap(), Some(grey));
        assert_eq!(content_region(&image, 1.0, None).unwrap(), None);
        for weight in [-0.1, 1.5, f32::NAN] {
            assert!(content_region(&image, weight, None).unwrap_err().to_string().contains("flat-content"));
        }
        let flat = Image::from_rgb(8, 8, vec![90.0; 192]).unwrap();
        assert!(content_region(&flat, 0.0, None).unwrap_err().is_usage());
    }
}

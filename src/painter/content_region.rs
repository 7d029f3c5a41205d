//! The weight of the content term at each part of a photograph, by local contrast.

use super::flatness::{flatness_of, local_contrast};
use crate::error::{Error, Result, Setting};
use crate::image_io::Image;
use crate::objective::Region;

/// Parts of an image's pixels with less local contrast than where detail begins, and than where it is full.
const DETAIL: [f32; 2] = [0.25, 0.9];
/// Less local contrast than this is never full detail, in levels of 255: the grain of a wall is none.
const LEAST_DETAIL: f32 = 20.0;

/// How much errors of content count by the local contrast of a photograph: 1 between these two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContentWeights {
    /// The weight where there is no contrast, 0 to 1. There content asks for nothing but the absence of strokes.
    pub flat: f32,
    /// The weight where the photograph has most contrast, 1 to 100: eyes and outlines, by which a subject is known, have it,
    /// and are small. It grows from 1 at the lower quartile of the local contrast to this at its 90th percentile, or at 20
    /// levels of 255 if that is more.
    pub detail: f32,
}

impl ContentWeights {
    /// The same weight everywhere.
    pub const EVEN: Self = Self { flat: 1.0, detail: 1.0 };

    /// Checks the weights.
    ///
    /// # Errors
    /// [`Error::Setting`] for one outside its range.
    pub fn check(&self) -> Result<()> {
        let Self { flat, detail } = self;
        if !(0.0..=1.0).contains(flat) {
            return Err(Error::setting(Setting::FlatContent, format!("must be from 0 to 1, not {flat}")));
        }
        if !(1.0..=100.0).contains(detail) {
            return Err(Error::setting(
                Setting::DetailContent,
                format!("must be from 1 to 100, not {detail}"),
            ));
        }
        Ok(())
    }

    /// The weight at each pixel of an image, rows from the top.
    fn of(&self, image: &Image) -> Vec<f32> {
        let contrast = local_contrast(image);
        let mut sorted = contrast.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let [begins, full] = DETAIL.map(|part| sorted[((sorted.len() - 1) as f32 * part) as usize]);
        let full = full.max(LEAST_DETAIL);
        let weight = |contrast: f32| {
            // Where contrasts are alike none is detail.
            let detail =
                if full > begins { ((contrast - begins) / (full - begins)).clamp(0.0, 1.0) } else { 0.0 };
            1.0 + (self.flat - 1.0) * flatness_of(contrast) + (self.detail - 1.0) * detail
        };
        contrast.into_iter().map(weight).collect()
    }
}

/// The region in which the content term applies, with these weights. It is a part of `mask`, if there is one.
///
/// # Errors
/// [`Error::Setting`] for a weight outside its range; [`Error::Usage`] if nothing of the region is left.
pub fn content_region(
    content: &Image,
    weights: ContentWeights,
    mask: Option<Region>,
) -> Result<Option<Region>> {
    weights.check()?;
    if weights == ContentWeights::EVEN {
        return Ok(mask);
    }
    // Errors count by the square of a region's brightness, and no image is brighter than white.
    let white = weights.detail.sqrt();
    let factors = weights.of(content).into_iter().map(|weight| weight.sqrt() / white);
    let (pixels, mask_white) = match mask {
        Some(mask) => {
            (mask.mask().resized_to(content.width(), content.height())?.into_pixels(), mask.white())
        }
        None => (vec![255.0; content.pixels().len()], 1.0),
    };
    let weighted =
        pixels.chunks_exact(3).zip(factors).flat_map(|(rgb, factor)| rgb.iter().map(move |v| v * factor));
    let region = Region::new(Image::from_rgb(content.width(), content.height(), weighted.collect())?)?;
    Ok(Some(region.with_white(white * mask_white)))
}

#[cfg(test)]
mod tests {
    use super::super::flatness::tests::half_flat;
    use super::*;

    fn flat(flat: f32) -> ContentWeights {
        ContentWeights { flat, detail: 1.0 }
    }

    #[test]
    fn content_counts_less_where_it_is_flat() {
        let image = half_flat();
        let brightness = |mask: Option<Region>| {
            let region = content_region(&image, flat(0.25), mask).unwrap().unwrap();
            let at = |x: usize| region.mask().pixels()[(40 * 128 + x) * 3];
            [at(10), at(120)]
        };
        let [plain, detailed] = brightness(None);
        assert!((plain - 127.5).abs() < 0.1 && (detailed - 255.0).abs() < 0.1, "{plain} {detailed}");
        let grey = Region::new(Image::from_rgb(2, 2, vec![102.0; 12]).unwrap()).unwrap();
        let [plain, detailed] = brightness(Some(grey.clone()));
        assert!((plain - 51.0).abs() < 0.1 && (detailed - 102.0).abs() < 0.1, "{plain} {detailed}");
        assert_eq!(content_region(&image, ContentWeights::EVEN, Some(grey.clone())).unwrap(), Some(grey));
        assert_eq!(content_region(&image, ContentWeights::EVEN, None).unwrap(), None);
        let evenly_flat = Image::from_rgb(8, 8, vec![90.0; 192]).unwrap();
        assert!(content_region(&evenly_flat, flat(0.0), None).unwrap_err().is_usage());
    }

    #[test]
    fn content_counts_more_in_detail() {
        // Three quarters are grey with stripes of little contrast, the last quarter has stripes in black and white.
        let sign = |x: u32| if x.is_multiple_of(2) { 1.0 } else { -1.0 };
        let value = |x: u32| 127.0 + sign(x) * if x < 96 { 30.0 } else { 127.0 };
        let rgb = (0..128 * 96).flat_map(|i| [value(i % 128); 3]).collect();
        let image = Image::from_rgb(128, 96, rgb).unwrap();
        let squares = |weights: ContentWeights| {
            let region = content_region(&image, weights, None).unwrap().unwrap();
            [40, 120].map(|x| (region.white() * region.mask().pixels()[(40 * 128 + x) * 3] / 255.0).powi(2))
        };
        let [plain, detailed] = squares(ContentWeights { flat: 1.0, detail: 4.0 });
        assert!((plain - 1.0).abs() < 1e-3 && (detailed - 4.0).abs() < 1e-3, "{plain} {detailed}");
        // Grain has a highest contrast as well, and is still flat.
        let grain = |x: u32| 127.0 + sign(x) * f32::from(x >= 96);
        let wall =
            Image::from_rgb(128, 96, (0..128 * 96).flat_map(|i| [grain(i % 128); 3]).collect()).unwrap();
        let most = ContentWeights { flat: 0.1, detail: 4.0 }.of(&wall).into_iter().fold(0.0, f32::max);
        assert!(most < 0.5, "{most}");
    }

    #[test]
    fn weights_out_of_range_are_refused_by_name() {
        let refusal = |flat, detail| ContentWeights { flat, detail }.check().unwrap_err().to_string();
        for weight in [-0.1, 1.5, f32::NAN] {
            assert!(refusal(weight, 1.0).contains("flat-content"));
        }
        for weight in [0.9, 101.0, f32::NAN] {
            assert!(refusal(1.0, weight).contains("detail-content"));
        }
    }
}

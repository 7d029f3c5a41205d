//! How wide the strokes of a painting are, and how large a style image has to be for a small picture.

use super::flatness::local_contrast;
use crate::colour::luma;
use crate::error::Result;
use crate::image_io::{Image, Size};

/// Width in pixels up to which strokes are enlarged: much narrower ones turn into ripples.
const BROAD: f64 = 3.0;
/// The largest enlargement.
const MOST: f64 = 1.5;
/// Pictures with a longer side of this many pixels need no larger strokes.
const LARGE: u32 = 384;

/// The longer side of a style image for a picture whose longer side is `longer`, in pixels: the same, but for pictures below
/// 384 pixels so much longer that the style's strokes are about 3 pixels wide ([`stroke_width`]): up to one and a half
/// times as long, and to 384 pixels.
///
/// # Errors
/// Those of [`Image::resized`].
pub fn style_side(style: &Image, longer: u32) -> Result<u32> {
    if longer >= LARGE {
        return Ok(longer);
    }
    let enlargement = BROAD / stroke_width(&style.resized(Size::Longer(longer))?);
    Ok(LARGE.min((f64::from(longer) * enlargement.clamp(1.0, MOST)).round() as u32))
}

/// A length in pixels that tells fine strokes from broad ones: twice the local contrast over the steepness, both as root mean
/// squares of the luma. Of waves along an axis it is a third of their length, of noise 1 pixel; of an image without contrast it
/// is infinite. (The Taylor microscale of turbulence is the same ratio.)
pub fn stroke_width(image: &Image) -> f64 {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let luma: Vec<f64> = image.pixels().chunks_exact(3).map(|rgb| f64::from(luma(rgb))).collect();
    let at = |x: usize, y: usize| luma[y * width + x];
    let mut steepness = 0.0;
    for y in 0..height {
        for x in 0..width {
            let along = if x + 1 < width { at(x + 1, y) - at(x, y) } else { 0.0 };
            let down = if y + 1 < height { at(x, y + 1) - at(x, y) } else { 0.0 };
            steepness += along * along + down * down;
        }
    }
    let contrast: f64 = local_contrast(image).iter().map(|contrast| f64::from(contrast * contrast)).sum();
    if steepness == 0.0 { f64::INFINITY } else { 2.0 * (contrast / steepness).sqrt() }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn waves(length: f64) -> Image {
        let value = |x: usize| (127.0 + 100.0 * (TAU * x as f64 / length).sin()) as f32;
        Image::from_rgb(256, 64, (0..256 * 64).flat_map(|i| [value(i % 256); 3]).collect()).unwrap()
    }

    #[test]
    fn it_follows_the_length_of_waves() {
        for length in [4.0, 8.0] {
            let width = stroke_width(&waves(length));
            // sqrt(1/2) over a difference of root mean square sqrt(2) sin(pi / length), times two.
            let expected = 1.0 / (TAU / 2.0 / length).sin();
            assert!((width / expected - 1.0).abs() < 0.05, "{length}: {width}, not {expected}");
        }
    }

    #[test]
    fn fine_strokes_are_enlarged_for_small_pictures() {
        // Waves of 4 pixels have strokes of 1.4, of 8 pixels 2.6, of 12 pixels 3.9.
        for (length, picture, style) in [
            (4.0, 256, 384..=384),
            (8.0, 256, 285..=305),
            (12.0, 256, 256..=256),
            (8.0, 128, 192..=192),
            (4.0, 384, 384..=384),
        ] {
            let side = style_side(&waves(length), picture).unwrap();
            assert!(style.contains(&side), "waves of {length} for {picture}: {side}");
        }
    }

    #[test]
    fn without_contrast_there_are_no_strokes() {
        let flat = Image::from_rgb(8, 8, vec![90.0; 8 * 8 * 3]).unwrap();
        assert_eq!(stroke_width(&flat), f64::INFINITY);
    }
}

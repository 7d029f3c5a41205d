//! The variable: the image in the form that is optimised. It is planar, `[3][height][width]`, with B, G, R
//! in 0..255 minus the mean colour.

use crate::error::Result;
use crate::gpu::Shape;
use crate::image_io::Image;
use crate::vgg19::weights::BGR_MEAN;

/// Shape of the variable for an image of this size.
pub fn variable_shape(width: u32, height: u32) -> Shape {
    Shape::planar(3, height, width)
}

/// The variable of an image.
pub fn to_variable(image: &Image) -> Vec<f32> {
    let plane = |c: usize| image.pixels().chunks_exact(3).map(move |rgb| rgb[2 - c] - BGR_MEAN[c]);
    (0..3).flat_map(plane).collect()
}

/// Clamps a variable to the colours of an image: 0 to 255 before the mean colour is subtracted.
pub fn clamp_to_displayable(x: &mut [f32]) {
    for (plane, mean) in x.chunks_exact_mut(x.len().max(3) / 3).zip(BGR_MEAN) {
        plane.iter_mut().for_each(|value| *value = value.clamp(-mean, 255.0 - mean));
    }
}

/// The image of a variable, values clamped to 0..=255.
///
/// # Errors
/// [`Error::Image`](crate::Error::Image) if a value is NaN or infinite.
pub fn to_image(x: &[f32], width: u32, height: u32) -> Result<Image> {
    let n = width as usize * height as usize;
    let rgb = (0..n).flat_map(|p| [2, 1, 0].map(|c| x[c * n + p] + BGR_MEAN[c])).collect();
    Image::from_rgb(width, height, rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_survive_the_way_to_the_variable_and_back() {
        let rgb: Vec<f32> = (0..18).map(|v| v as f32 * 10.0).collect();
        let image = Image::from_rgb(3, 2, rgb.clone()).unwrap();
        let x = to_variable(&image);
        // The first plane is blue.
        assert_eq!(x[0], 20.0 - BGR_MEAN[0]);
        let back = to_image(&x, 3, 2).unwrap();
        for (got, want) in back.pixels().iter().zip(rgb) {
            assert!((got - want).abs() < 1e-4);
        }
    }
}

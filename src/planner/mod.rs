//! The planner: chooses, from sizes alone and before anything is allocated, how an objective is evaluated.
//!
//! It takes the first of these strategies that fits the memory budget and the device's limits, the fastest first:
//!
//! 1. the whole image on the device, optimiser included;
//! 2. the same, with activations recomputed in the backward pass instead of kept;
//! 3. tiles, as large as fit, with the optimiser in the host's memory;
//! 4. L-BFGS pairs in half precision, then content features recomputed in each evaluation, then smaller tiles, and
//!    finally fewer pairs.

mod budget;
mod choice;
mod search;

pub use budget::Budget;
pub use choice::{Choice, Strategy};
pub use search::Planner;

use crate::image_io::Image;
use crate::objective::Style;

/// Sizes of the images at one scale, each as width and height.
#[derive(Debug, Clone)]
pub struct Sizes {
    /// Of the image that is optimised.
    pub image: [u32; 2],
    /// Of each style image.
    pub styles: Vec<[u32; 2]>,
    /// Bytes of images that the host holds in addition.
    pub held: u64,
}

impl Sizes {
    /// A square image with a style of the same size.
    pub fn square(side: u32) -> Self {
        let size = [side; 2];
        Self { image: size, styles: vec![size], held: image_bytes(size) }
    }

    /// Of images at their present size.
    pub fn of(image: &Image, styles: &[Style]) -> Self {
        let size = |image: &Image| [image.width(), image.height()];
        let styles: Vec<_> = styles.iter().map(|style| size(&style.image)).collect();
        let held = styles.iter().chain(&[size(image); 2]).map(|size| image_bytes(*size)).sum();
        Self { image: size(image), styles, held }
    }
}

/// Bytes of an image in the host's memory: three f32 a pixel.
pub fn image_bytes([width, height]: [u32; 2]) -> u64 {
    12 * u64::from(width) * u64::from(height)
}

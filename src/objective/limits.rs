//! Sizes that cannot work, found before any work starts.

use std::path::Path;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, mebibytes};
use crate::image_io::{Size, scaled_dimensions};
use crate::vgg19::{LayerId, activation_shape};

/// Makes sure that the deepest layer has something left after its poolings.
///
/// # Errors
/// [`Error::Image`] naming the file, the size and the layer.
pub fn check_pooling(path: &Path, width: u32, height: u32, deepest: LayerId) -> Result<()> {
    let least = deepest.downscale() as u32;
    if width.min(height) >= least {
        return Ok(());
    }
    Err(Error::image(
        path,
        format!(
            "{width} x {height} pixels are too few: layer {deepest} needs at least {least} on each side. \
             Choose a larger size, a picture less narrow, or layers less deep"
        ),
    ))
}

/// Makes sure that no activation is larger than the adapter takes.
///
/// # Errors
/// [`Error::TooLarge`] naming the file, with the largest `option` (`--size` or `--style-size`) that fits.
pub fn check_fits(
    gpu: &Gpu,
    path: &Path,
    option: &str,
    width: u32,
    height: u32,
    deepest: LayerId,
) -> Result<()> {
    let fits = |(width, height)| largest_activation(width, height, deepest) <= gpu.max_tensor_bytes();
    if fits((width, height)) {
        return Ok(());
    }
    let scaled = |longer: u32| scaled_dimensions(width, height, Size::Longer(longer));
    // The largest that fits: `low` always does, `high` never.
    let (mut low, mut high) = (0, width.max(height));
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(scaled(middle)) { low = middle } else { high = middle }
    }
    Err(Error::TooLarge(format!(
        "{} at {width} x {height} needs tensors of {}, but {} takes at most {} in one: the largest \
         {option} that fits is {low}",
        path.display(),
        mebibytes(largest_activation(width, height, deepest)),
        gpu.adapter().name,
        mebibytes(gpu.max_tensor_bytes()),
    )))
}

/// Bytes of the largest activation up to a layer.
fn largest_activation(width: u32, height: u32, deepest: LayerId) -> u64 {
    let layers = LayerId::all().filter(|layer| *layer <= deepest);
    layers.map(|layer| activation_shape(layer, width, height).bytes()).max().unwrap_or(0)
}

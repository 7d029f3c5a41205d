//! Sizes that cannot work, found before any work starts.

use std::path::Path;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, mebibytes};
use crate::image_io::{Size, scaled_dimensions};
use crate::vgg19::LayerId;

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

/// Makes sure that no tensor is larger than the adapter takes, which `fits` tells of a width and a height.
///
/// # Errors
/// [`Error::TooLarge`] naming the file, with the largest `option` (`--size` or `--style-size`) that fits; those of
/// `fits`.
pub fn check_fits(
    gpu: &Gpu,
    path: &Path,
    option: &str,
    size: [u32; 2],
    fits: impl Fn([u32; 2]) -> Result<bool>,
) -> Result<()> {
    if fits(size)? {
        return Ok(());
    }
    let [width, height] = size;
    let scaled = |longer: u32| scaled_dimensions(width, height, Size::Longer(longer)).into();
    // The largest that fits: `low` always does, `high` never.
    let (mut low, mut high) = (0, width.max(height));
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(scaled(middle))? { low = middle } else { high = middle }
    }
    Err(Error::TooLarge(format!(
        "{} at {width} x {height} needs tensors larger than {}, the most that {} takes: the largest {option} that \
         fits is {low}",
        path.display(),
        mebibytes(gpu.max_tensor_bytes()),
        gpu.adapter().name,
    )))
}

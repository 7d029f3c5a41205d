//! Checks of image sizes, before anything is allocated.

use std::path::Path;

use crate::error::{Error, Remedy, Result, Setting};
use crate::gpu::{Gpu, mebibytes};
use crate::image_io::{Size, scaled_dimensions};
use crate::vgg19::LayerId;

/// Checks that an image has at least one position at the deepest layer, after its poolings.
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
             Choose a larger size, an image less narrow, or layers less deep"
        ),
    ))
}

/// Checks that an image fits the adapter. `fits` says whether an image of a width and a height does; it is only called for
/// images that pass [`check_pooling`].
///
/// # Errors
/// [`Error::TooLarge`] naming the file, with the largest size that fits; those of `fits`.
pub fn check_fits(
    gpu: &Gpu,
    path: &Path,
    size: [u32; 2],
    deepest: LayerId,
    fits: impl Fn([u32; 2]) -> Result<bool>,
) -> Result<()> {
    if fits(size)? {
        return Ok(());
    }
    let [width, height] = size;
    let remedy = match largest(size, deepest, fits)? {
        Some(longer) => Remedy::AtMost(Setting::Size, longer),
        None => Remedy::Change(Setting::Device),
    };
    let problem = format!(
        "{}: {width} x {height} is too large for {}, which takes at most {} in one tensor",
        path.display(),
        gpu.adapter().name,
        mebibytes(gpu.max_tensor_bytes()),
    );
    Err(Error::too_large(problem).with_remedies([remedy]))
}

/// The longer side of the largest image with the same proportions that fits. `size` does not fit.
fn largest(size: [u32; 2], deepest: LayerId, fits: impl Fn([u32; 2]) -> Result<bool>) -> Result<Option<u32>> {
    let [width, height] = size;
    let scaled = |longer: u32| <[u32; 2]>::from(scaled_dimensions(width, height, Size::Longer(longer)));
    let survives_pooling = |[width, height]: [u32; 2]| width.min(height) >= deepest.downscale() as u32;
    // `high` never fits. Sizes that are too small count as fitting, since the search is for the upper bound.
    let (mut low, mut high) = (0, width.max(height));
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let fits = !survives_pooling(scaled(middle)) || fits(scaled(middle))?;
        if fits { low = middle } else { high = middle }
    }
    Ok(Some(low).filter(|low| survives_pooling(scaled(*low))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_size_fits_and_survives_pooling() {
        let deepest: LayerId = "conv5_1".parse().unwrap();
        let below = |most: u32| {
            move |[width, height]: [u32; 2]| {
                assert!(width.min(height) >= 16, "asked about {width} x {height}");
                Ok(width * height <= most)
            }
        };
        assert_eq!(largest([3000, 2000], deepest, below(600 * 400)).unwrap(), Some(600));
        assert_eq!(largest([70_000, 20], deepest, below(1 << 20)).unwrap(), Some(61_249));
        assert_eq!(largest([20, 70_000], deepest, below(1 << 19)).unwrap(), None);
    }
}

//! The largest magnitude in a tensor, found on the device: what kernels scale their inputs by that multiply in f16.

use crate::error::Result;
use crate::gpu::{Recording, Shader, Shape, Tensor, shader};

pub(super) static LARGEST: Shader = shader!("reduce/largest");
pub(super) static MASK_LARGEST: Shader = shader!("relu/mask_largest");

/// Workgroups of the kernel, and so partial maxima.
const PARTIALS: u32 = 512;

/// Where the partial maxima go.
pub(super) fn partials_shape() -> Shape {
    Shape::planar(1, 1, PARTIALS)
}

/// Records the ReLU's backward pass in place, `gradient` becoming zero where `output` is not above it, and the search for
/// the largest magnitude that is left: see [`record_largest`].
///
/// # Errors
/// [`Error::Gpu`](crate::Error::Gpu) if the kernel or bind group cannot be made.
pub(super) fn record_mask_largest(
    recording: &mut Recording,
    label: &str,
    output: &Tensor,
    gradient: &Tensor,
    partials: &Tensor,
) -> Result<()> {
    let kernel = recording.gpu().kernel(&MASK_LARGEST, &[])?;
    recording
        .launch(&kernel, label)
        .bind("dst", output)
        .bind("d_dst", gradient)
        .bind("largest", partials)
        .set("vectors", gradient.shape().vectors() as u32)
        .groups([PARTIALS, 1, 1])
}

/// Records the search for the largest magnitude in `src`: its partial maxima go to `partials`, as bits.
///
/// # Errors
/// [`Error::Gpu`](crate::Error::Gpu) if the kernel or bind group cannot be made.
pub(super) fn record_largest(
    recording: &mut Recording,
    label: &str,
    src: &Tensor,
    partials: &Tensor,
) -> Result<()> {
    let kernel = recording.gpu().kernel(&LARGEST, &[])?;
    // Vectors are counted in 32 bits: a tensor has fewer, since it fits in one binding.
    let vectors = src.shape().vectors() as u32;
    recording
        .launch(&kernel, label)
        .bind("src", src)
        .bind("largest", partials)
        .set("vectors", vectors)
        .groups([PARTIALS, 1, 1])
}

//! The second stage of reductions: one number from a workgroup's partial sums each.

use crate::error::Result;
use crate::gpu::{Recording, Shader, Shape, Tensor, shader};

pub(crate) static SUM: Shader = shader!("reduce/sum");

/// Partial sums that the first stage of a reduction leaves, at most: enough workgroups to fill a
/// large GPU, few enough for one workgroup to add.
pub const PARTIALS: u32 = 256;

/// Where `count` partial sums go.
pub fn partials_shape(count: u32) -> Shape {
    Shape::planar(1, 1, count)
}

/// Workgroups of 64 invocations that reduce this number of elements.
pub(super) fn partial_groups(elements: u64) -> u32 {
    elements.div_ceil(64 * 4).clamp(1, u64::from(PARTIALS)) as u32
}

/// Records `dst = scale * (partials[0] + ... + partials[count - 1])`.
///
/// # Errors
/// [`Error::Gpu`](crate::Error::Gpu) if the kernel or bind group cannot be made.
pub fn record_sum(
    recording: &mut Recording,
    label: &str,
    partials: &Tensor,
    count: u32,
    scale: f32,
    dst: &Tensor,
) -> Result<()> {
    let kernel = recording.gpu().kernel(&SUM, &[])?;
    recording
        .launch(&kernel, label)
        .bind("src", partials)
        .bind("dst", dst)
        .set("count", count)
        .set("scale", scale)
        .flops_each(1, count as usize)
        .groups([1, 1, 1])
}

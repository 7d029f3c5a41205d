//! Inputs and weights rounded as matrix units for f16 round them, for kernels that multiply f32: see `shaders/conv/round`.

use half::f16;

use super::ConvPass;
use super::halo::scale_exponent;
use crate::error::Result;
use crate::gpu::{Recording, Shader, Tensor, shader};
use crate::ops::largest::{self, record_largest, record_mask_largest};

static ROUND: Shader = shader!("conv/round");

/// Vectors that a workgroup rounds: 16 for each of 128 invocations.
const VECTORS: u64 = 128 * 16;

/// Indices of the scratch buffers for the rounded input and for the search for its largest number; the transforms have those
/// before.
const ROUNDED: usize = 2;
const PARTIALS: usize = 3;

/// Every kernel that it launches.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&largest::LARGEST, &largest::MASK_LARGEST, &ROUND]
}

/// Weights rounded to f16 under the scale that [`pack_halves`](super::halo::pack_halves) gives them.
pub(super) fn round_weights(weight: &[f32]) -> Vec<f32> {
    let exponent = scale_exponent(weight);
    let [scale, inverse] = [exponent, -exponent].map(|exponent| f32::powi(2.0, exponent));
    weight.iter().map(|number| f16::from_f32(scale * number).to_f32() * inverse).collect()
}

impl ConvPass<'_> {
    /// Records the rounding of what the pass reads, its mask applied, and returns where the result is.
    pub(super) fn record_rounding(&self, recording: &mut Recording, label: &str) -> Result<Tensor> {
        let (rounded, partials) = (&self.scratch.buffers[ROUNDED], &self.scratch.buffers[PARTIALS]);
        match self.mask {
            Some(output) => record_mask_largest(recording, label, output, self.src, partials)?,
            None => record_largest(recording, label, self.src, partials)?,
        }
        let mut shape = self.src.shape();
        shape.precision = rounded.shape().precision;
        let rounded = rounded.viewed_as(shape);
        let kernel = recording.gpu().kernel(&ROUND, &[])?;
        recording
            .launch(&kernel, label)
            .bind("src", self.src)
            .bind("dst", &rounded)
            .bind("largest", partials)
            .set("vectors", shape.vectors() as u32)
            .elements(shape.vectors().div_ceil(VECTORS) * 128)?;
        Ok(rounded)
    }
}

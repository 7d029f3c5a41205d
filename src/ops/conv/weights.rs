//! Weights and bias of one layer, packed for the kernels once.

use super::ConvVariant;
use super::winograd::{Transform, at_point};
use crate::error::Result;
use crate::gpu::{Gpu, Precision, Shape, Tensor, Use};
use crate::ops::gemm::{Matrices, pack, zero_bias};

/// Weights and bias of one layer on a device, in the form that a variant wants. One set serves both
/// passes: the backward pass reads it transposed.
#[derive(Debug)]
pub struct PackedWeights {
    pub(super) variant: ConvVariant,
    pub(super) taps: u32,
    pub(super) in_channels: u32,
    pub(super) out_channels: u32,
    /// A matrix a tap, or one a point of the variant's transform.
    pub(super) matrices: Matrices,
    pub(super) bias: Tensor,
    /// The backward pass and products at points add nothing.
    pub(super) no_bias: Tensor,
    /// The device's limit, for scratch whose size is a matter of choice.
    pub(super) max_tensor_bytes: u64,
}

impl PackedWeights {
    /// Packs `weight`, `[out, in, 3, 3]` or `[out, in, 1, 1]`, to be stored in `precision`, and `bias`,
    /// `[out]`; `channels` is `[out, in]`. A 1x1 convolution has nothing to transform and is a plain
    /// product in any variant.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) when memory runs out.
    pub fn new(
        gpu: &Gpu,
        variant: ConvVariant,
        precision: Precision,
        weight: &[f32],
        bias: &[f32],
        channels: [u32; 2],
    ) -> Result<Self> {
        let taps = weight.len() as u32 / (channels[0] * channels[1]);
        Self::upload(gpu, variant, precision, &Packed::new(variant, weight, channels), bias, taps)
    }

    /// Uploads what was packed for this variant from weights of so many taps.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn upload(
        gpu: &Gpu,
        variant: ConvVariant,
        precision: Precision,
        packed: &Packed,
        bias: &[f32],
        taps: u32,
    ) -> Result<Self> {
        let [out_channels, in_channels] = packed.channels;
        Ok(Self {
            variant,
            taps,
            in_channels,
            out_channels,
            matrices: Matrices::upload(gpu, variant.gemm(), &packed.numbers, precision)?,
            bias: gpu.upload(Shape::blocked(out_channels, 1, 1), bias, Use::Weights, "bias")?,
            no_bias: zero_bias(gpu, in_channels.max(out_channels))?,
            max_tensor_bytes: gpu.max_tensor_bytes(),
        })
    }
}

/// Weights in the order and form that a variant wants, not yet on a device: packing takes the CPU some
/// time and needs no device, so that one layer can be packed while another is uploaded.
#[derive(Debug)]
pub struct Packed {
    numbers: Vec<f32>,
    channels: [u32; 2],
}

impl Packed {
    /// As for [`PackedWeights::new`].
    pub fn new(variant: ConvVariant, weight: &[f32], channels: [u32; 2]) -> Self {
        let sizes = channels.map(|n| n as usize);
        let taps = weight.len() / (sizes[0] * sizes[1]);
        let numbers = match transform_of(variant, taps) {
            Some(transform) => {
                let points = transform.filter_points();
                pack(weight, sizes, points.len(), |point, filter| at_point(&points[point], filter))
            }
            None => pack(weight, sizes, taps, |tap, filter| filter[tap]),
        };
        Self { numbers, channels }
    }
}

impl PackedWeights {
    pub(super) fn transform(&self) -> Option<Transform> {
        transform_of(self.variant, self.taps as usize)
    }
}

fn transform_of(variant: ConvVariant, taps: usize) -> Option<Transform> {
    variant.transform().filter(|_| taps == 9)
}

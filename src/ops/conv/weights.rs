//! Weights and bias of one layer, packed for the kernels once.

use super::ConvMethod;
use super::winograd::{BandLimits, Winograd, at_point};
use crate::error::Result;
use crate::gpu::{Gpu, Precision, Shape, Tensor, Use};
use crate::ops::gemm::{Matrices, pack, zero_bias};
use crate::ops::variants::{Pass, PassVariants};

/// Weights and bias of one layer on a device, in the forms that the variants of its two passes read. Passes that read
/// one form share it; the backward pass reads it transposed.
#[derive(Debug)]
pub struct PackedWeights {
    pub(super) forward: PassWeights,
    pub(super) backward: PassWeights,
    pub(super) taps: u32,
    pub(super) in_channels: u32,
    pub(super) out_channels: u32,
    pub(super) bias: Tensor,
    /// Zeros, for backward passes and for the GEMMs between Winograd's transforms.
    pub(super) no_bias: Tensor,
    /// Limits of the device, which bound the scratch of Winograd's method.
    pub(super) band_limits: BandLimits,
}

/// How a pass is computed, and the weights that it reads.
#[derive(Debug, Clone)]
pub(super) struct PassWeights {
    pub(super) method: ConvMethod,
    /// One matrix a tap, or one a point of the transform.
    pub(super) matrices: Matrices,
}

impl PackedWeights {
    /// Packs `weight`, `[out, in, 3, 3]` or `[out, in, 1, 1]`, to be stored in `precision`, and `bias`,
    /// `[out]`; `channels` is `[out, in]`. A 1x1 convolution has nothing to transform and is a plain
    /// GEMM in any variant.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) when memory runs out, or for variants of another operation.
    pub fn new(
        gpu: &Gpu,
        variants: impl Into<PassVariants>,
        precision: Precision,
        weight: &[f32],
        bias: &[f32],
        channels: [u32; 2],
    ) -> Result<Self> {
        Packed::new(variants.into(), weight, channels)?.upload(gpu, precision, bias)
    }
}

/// Weights in the forms that the variants read, not yet on a device. Packing takes CPU time and no device, so one layer
/// can be packed while another is uploaded.
#[derive(Debug)]
pub struct Packed {
    forward: ConvMethod,
    backward: ConvMethod,
    /// For the forward pass, and for the backward pass if it reads another form.
    numbers: (Vec<f32>, Option<Vec<f32>>),
    taps: usize,
    channels: [u32; 2],
}

impl Packed {
    /// As for [`PackedWeights::new`].
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) for variants of another operation.
    pub fn new(variants: PassVariants, weight: &[f32], channels: [u32; 2]) -> Result<Self> {
        let sizes = channels.map(|n| n as usize);
        let taps = weight.len() / (sizes[0] * sizes[1]);
        let method = |pass| Ok(variants.of(pass).conv_method(pass)?.for_taps(taps));
        let (forward, backward): (ConvMethod, ConvMethod) = (method(Pass::Forward)?, method(Pass::Backward)?);
        let points = |method: ConvMethod| method.winograd.map(Winograd::points);
        let one_form = points(forward) == points(backward);
        let numbers = |method: ConvMethod| match method.winograd {
            Some(winograd) => {
                let points = winograd.filter_points();
                pack(weight, sizes, points.len(), |point, filter| at_point(&points[point], filter))
            }
            None => pack(weight, sizes, taps, |tap, filter| filter[tap]),
        };
        let numbers = (numbers(forward), (!one_form).then(|| numbers(backward)));
        Ok(Self { forward, backward, numbers, taps, channels })
    }

    /// Uploads the weights, to be stored in `precision`, and the bias of each output channel.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) when memory runs out.
    pub fn upload(&self, gpu: &Gpu, precision: Precision, bias: &[f32]) -> Result<PackedWeights> {
        let ([out_channels, in_channels], (numbers, others)) = (self.channels, &self.numbers);
        let [forward, backward] = [self.forward, self.backward];
        let upload = |method: ConvMethod, numbers: &[f32]| -> Result<PassWeights> {
            let matrices = Matrices::upload(gpu, method.gemm, numbers, precision)?;
            Ok(PassWeights { method, matrices })
        };
        let forward_weights = upload(forward, numbers)?;
        let backward_weights = match others {
            None if forward.gemm.reads_textures == backward.gemm.reads_textures => {
                PassWeights { method: backward, matrices: forward_weights.matrices.clone() }
            }
            others => upload(backward, others.as_ref().unwrap_or(numbers))?,
        };
        Ok(PackedWeights {
            forward: forward_weights,
            backward: backward_weights,
            taps: self.taps as u32,
            in_channels,
            out_channels,
            bias: gpu.upload(Shape::blocked(out_channels, 1, 1), bias, Use::Weights, "bias")?,
            no_bias: zero_bias(gpu, in_channels.max(out_channels))?,
            band_limits: BandLimits::of(gpu, precision),
        })
    }
}

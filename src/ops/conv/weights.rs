//! Weights and bias of one layer, packed for the kernels once.

use std::sync::Arc;

use super::ConvMethod;
use super::halo::{HaloKernel, pack_halves};
use super::rounding::round_weights;
use super::winograd::{BandLimits, Winograd, at_point};
use crate::error::Result;
use crate::gpu::{Gpu, Precision, Shape, Tensor, Use};
use crate::ops::gemm::{GemmKernel, Matrices, pack, zero_bias};
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
pub(super) enum PassWeights {
    /// By a GEMM, alone or between transforms.
    Gemm(GemmWeights),
    /// From halos.
    Halo { kernel: &'static HaloKernel, weights: Tensor },
}

/// A GEMM kernel with its matrices: one a tap, or one a point of the transform around it.
#[derive(Debug, Clone)]
pub(super) struct GemmWeights {
    pub(super) kernel: &'static GemmKernel,
    pub(super) winograd: Option<&'static Winograd>,
    pub(super) rounds: bool,
    pub(super) matrices: Matrices,
}

impl PassWeights {
    pub(super) fn method(&self) -> ConvMethod {
        match self {
            Self::Gemm(GemmWeights { kernel, winograd, rounds, .. }) => {
                ConvMethod::Gemm { gemm: kernel, winograd: *winograd, rounds: *rounds }
            }
            Self::Halo { kernel, .. } => ConvMethod::Halo(kernel),
        }
    }
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
    forward: PackedPass,
    /// Passes that read one form share its numbers.
    backward: PackedPass,
    taps: usize,
    channels: [u32; 2],
}

/// How a pass is computed, and its weights in the form that it reads.
#[derive(Debug, Clone)]
enum PackedPass {
    /// Matrices in blocks of 4 x 4: see [`pack`].
    Gemm {
        kernel: &'static GemmKernel,
        winograd: Option<&'static Winograd>,
        rounds: bool,
        numbers: Arc<Vec<f32>>,
    },
    /// f16 for matrix units.
    Halo { kernel: &'static HaloKernel, numbers: Arc<Vec<f32>> },
}

impl PackedPass {
    /// Packs `weight`, `[out, in, taps]`; `transposed` for the backward pass.
    fn new(method: ConvMethod, weight: &[f32], channels: [usize; 2], transposed: bool) -> Self {
        match method {
            ConvMethod::Halo(kernel) => {
                let numbers = pack_halves(weight, channels, kernel.parts(), transposed).into();
                Self::Halo { kernel, numbers }
            }
            ConvMethod::Gemm { gemm, winograd, rounds } => {
                let taps = weight.len() / (channels[0] * channels[1]);
                let rounded = rounds.then(|| round_weights(weight));
                let weight = rounded.as_deref().unwrap_or(weight);
                let points = winograd.map(Winograd::filter_points);
                let numbers = match points {
                    Some(points) => {
                        pack(weight, channels, points.len(), |point, filter| at_point(&points[point], filter))
                    }
                    None => pack(weight, channels, taps, |tap, filter| filter[tap]),
                };
                Self::Gemm { kernel: gemm, winograd, rounds, numbers: numbers.into() }
            }
        }
    }

    /// The backward pass, by another method: with the same numbers if that reads them in this form.
    fn for_backward(&self, method: ConvMethod, weight: &[f32], channels: [usize; 2]) -> Self {
        let points = |winograd: Option<&Winograd>| winograd.map(Winograd::points);
        match (self, method) {
            (
                Self::Gemm { winograd: forward, rounds: rounded, numbers, .. },
                ConvMethod::Gemm { gemm, winograd, rounds },
            ) if points(*forward) == points(winograd) && *rounded == rounds => {
                Self::Gemm { kernel: gemm, winograd, rounds, numbers: numbers.clone() }
            }
            _ => Self::new(method, weight, channels, true),
        }
    }

    /// Uploads the weights, to be stored in `precision` unless they are f16 anyway. `uploaded` are those of the other
    /// pass, which are used again if they are the same.
    fn upload(
        &self,
        gpu: &Gpu,
        precision: Precision,
        uploaded: Option<(&Self, &PassWeights)>,
    ) -> Result<PassWeights> {
        match (self, uploaded) {
            (Self::Halo { kernel, numbers }, _) => {
                let shape = Shape::planar(1, 1, numbers.len() as u32).stored_in(Precision::F16);
                Ok(PassWeights::Halo {
                    kernel,
                    weights: gpu.upload(shape, numbers, Use::Weights, "weights")?,
                })
            }
            (
                Self::Gemm { kernel, winograd, rounds, numbers },
                Some((Self::Gemm { numbers: others, .. }, PassWeights::Gemm(weights))),
            ) if Arc::ptr_eq(numbers, others) && kernel.reads_textures == weights.kernel.reads_textures => {
                let matrices = weights.matrices.clone();
                let (winograd, rounds) = (*winograd, *rounds);
                Ok(PassWeights::Gemm(GemmWeights { kernel, winograd, rounds, matrices }))
            }
            (Self::Gemm { kernel, winograd, rounds, numbers }, _) => {
                let (winograd, rounds) = (*winograd, *rounds);
                // What was rounded once is not rounded again.
                let precision = if rounds { Precision::F32 } else { precision };
                let matrices = Matrices::upload(gpu, kernel, numbers, precision)?;
                Ok(PassWeights::Gemm(GemmWeights { kernel, winograd, rounds, matrices }))
            }
        }
    }
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
        let forward = PackedPass::new(method(Pass::Forward)?, weight, sizes, false);
        let backward = forward.for_backward(method(Pass::Backward)?, weight, sizes);
        Ok(Self { forward, backward, taps, channels })
    }

    /// Uploads the weights, to be stored in `precision`, and the bias of each output channel.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) when memory runs out.
    pub fn upload(&self, gpu: &Gpu, precision: Precision, bias: &[f32]) -> Result<PackedWeights> {
        let [out_channels, in_channels] = self.channels;
        let forward = self.forward.upload(gpu, precision, None)?;
        let backward = self.backward.upload(gpu, precision, Some((&self.forward, &forward)))?;
        Ok(PackedWeights {
            forward,
            backward,
            taps: self.taps as u32,
            in_channels,
            out_channels,
            bias: gpu.upload(Shape::blocked(out_channels, 1, 1), bias, Use::Weights, "bias")?,
            no_bias: zero_bias(gpu, in_channels.max(out_channels))?,
            band_limits: BandLimits::of(gpu, precision),
        })
    }
}

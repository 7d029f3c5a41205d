//! How one pass of a convolution is computed.

use super::halo::HaloKernel;
use super::rounding;
use super::winograd::{BandLimits, Winograd};
use crate::gpu::{Precision, ScratchSize, Shader, Shape, TextureSize};
use crate::ops::gemm::{GemmKernel, Tile};
use crate::ops::largest;
use crate::ops::variants::Needs;

/// The way in which one pass of a convolution is computed.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) enum ConvMethod {
    /// A GEMM, alone or between Winograd's transforms.
    Gemm {
        gemm: &'static GemmKernel,
        /// For 3x3 filters only; 1x1 filters have nothing to transform.
        winograd: Option<&'static Winograd>,
        /// Whether inputs and weights are rounded to 11 bits before, as matrix units for f16 multiply them. 3x3 filters only.
        rounds: bool,
    },
    /// On matrix units, from halos in workgroup memory.
    Halo(&'static HaloKernel),
}

impl ConvMethod {
    /// The GEMM alone: one product for each tap of the filter, added up in registers (implicit GEMM).
    pub(in crate::ops) const fn gemm(gemm: &'static GemmKernel) -> Self {
        Self::Gemm { gemm, winograd: None, rounds: false }
    }

    /// The same for filters of `taps` numbers.
    pub(super) fn for_taps(self, taps: usize) -> Self {
        match self {
            Self::Gemm { gemm, .. } if taps != 9 => Self::gemm(gemm),
            Self::Gemm { .. } => self,
            Self::Halo(kernel) if taps != 9 => Self::gemm(kernel.plain),
            Self::Halo(_) => self,
        }
    }

    /// Winograd's transforms, if it is computed between them.
    pub(in crate::ops) fn winograd(self) -> Option<&'static Winograd> {
        match self {
            Self::Gemm { winograd, .. } => winograd,
            Self::Halo(_) => None,
        }
    }

    /// Whether the tiles of its GEMM have fewer positions where there are few in all.
    pub(in crate::ops) fn tiles_shrink(self) -> bool {
        matches!(self, Self::Gemm { gemm: GemmKernel { tile: Tile::UpTo { .. }, .. }, .. })
    }

    /// What it needs of a device.
    pub(in crate::ops) fn needs(self) -> Needs {
        match self {
            Self::Gemm { gemm, .. } => gemm.needs,
            Self::Halo(_) => HaloKernel::NEEDS,
        }
    }

    /// Whether it reads storage textures instead of buffers.
    pub(in crate::ops) fn reads_textures(self) -> bool {
        match self {
            Self::Gemm { gemm, .. } => gemm.reads_textures,
            Self::Halo(_) => false,
        }
    }

    /// Every kernel that it launches.
    pub(in crate::ops) fn shaders(self) -> Vec<&'static Shader> {
        match self {
            Self::Gemm { gemm, winograd, rounds } => {
                let transforms = winograd.map_or_else(Vec::new, Winograd::shaders);
                let rounding = if rounds { rounding::shaders() } else { vec![] };
                [&gemm.shader].into_iter().chain(transforms).chain(rounding).collect()
            }
            Self::Halo(kernel) => {
                vec![kernel.shader(), &largest::LARGEST, &largest::MASK_LARGEST, &kernel.plain.shader]
            }
        }
    }

    /// Whether the ReLU's mask is applied by the method itself.
    pub(super) fn masks_its_input(self) -> bool {
        match self {
            Self::Gemm { winograd, rounds, .. } => {
                rounds || winograd.is_some_and(|winograd| winograd.input_masked.is_some())
            }
            Self::Halo(_) => true,
        }
    }

    /// Scratch for either pass of a convolution between these numbers of channels at the size of `input`.
    pub(super) fn scratch(self, channels: [u32; 2], input: Shape, bands: BandLimits) -> ScratchSize {
        let widest = channels[0].max(channels[1]);
        let mut scratch = ScratchSize::default();
        if let Self::Halo(_) = self {
            scratch.buffers = vec![largest::partials_shape()];
            return scratch;
        }
        let rounds = matches!(self, Self::Gemm { rounds: true, .. });
        // What the pass reads: the input forward, the output's gradient backward. Rounded numbers are f32.
        let mut source = Shape { channels: widest, ..input };
        if rounds {
            source.precision = Precision::F32;
        }
        // GEMM kernels may read a copy of their operand in a texture.
        let mut operand = source;
        if let Some(winograd) = self.winograd() {
            // Each pass reads the channels of one side and writes those of the other.
            operand = winograd.values(widest, winograd.band(widest, input, bands));
            scratch.buffers = vec![operand, operand];
        }
        if self.reads_textures() {
            scratch.textures.push(TextureSize { vectors: operand.vectors(), precision: operand.precision });
        }
        if rounds {
            scratch.buffers.extend([source, largest::partials_shape()]);
        }
        scratch
    }
}

//! How one pass of a convolution is computed.

use super::halo::HaloKernel;
use super::winograd::{BandLimits, Winograd};
use crate::gpu::{ScratchSize, Shader, Shape, TextureSize};
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
    },
    /// On matrix units, from halos in workgroup memory.
    Halo(&'static HaloKernel),
}

impl ConvMethod {
    /// The GEMM alone: one product for each tap of the filter, added up in registers (implicit GEMM).
    pub(in crate::ops) const fn gemm(gemm: &'static GemmKernel) -> Self {
        Self::Gemm { gemm, winograd: None }
    }

    /// The same for filters of `taps` numbers.
    pub(super) fn for_taps(self, taps: usize) -> Self {
        match self {
            Self::Gemm { gemm, winograd } => Self::Gemm { gemm, winograd: winograd.filter(|_| taps == 9) },
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
    pub(super) fn reads_textures(self) -> bool {
        match self {
            Self::Gemm { gemm, .. } => gemm.reads_textures,
            Self::Halo(_) => false,
        }
    }

    /// Every kernel that it launches.
    pub(in crate::ops) fn shaders(self) -> Vec<&'static Shader> {
        match self {
            Self::Gemm { gemm, winograd } => {
                let transforms = winograd.map_or_else(Vec::new, Winograd::shaders);
                [&gemm.shader].into_iter().chain(transforms).collect()
            }
            Self::Halo(kernel) => {
                vec![kernel.shader(), &largest::LARGEST, &largest::MASK_LARGEST, &kernel.plain.shader]
            }
        }
    }

    /// Whether the ReLU's mask is applied by the method itself.
    pub(super) fn masks_its_input(self) -> bool {
        match self {
            Self::Gemm { winograd, .. } => winograd.is_some_and(|winograd| winograd.input_masked.is_some()),
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
        if self.reads_textures() {
            // A copy of what the pass reads: the input forward, the output's gradient backward.
            let vectors = Shape { channels: widest, ..input }.vectors();
            scratch.textures.push(TextureSize { vectors, precision: input.precision });
        }
        if let Some(winograd) = self.winograd() {
            // Each pass reads the channels of one side and writes those of the other.
            let values = winograd.values(widest, winograd.band(widest, input, bands));
            scratch.buffers = vec![values, values];
            if self.reads_textures() {
                scratch.textures.push(TextureSize { vectors: values.vectors(), precision: values.precision });
            }
        }
        scratch
    }
}

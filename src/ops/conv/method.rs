//! How one pass of a convolution is computed.

use super::winograd::{BandLimits, Winograd};
use crate::gpu::{ScratchSize, Shader, Shape, TextureSize};
use crate::ops::gemm::GemmKernel;

/// A GEMM, alone or between Winograd's transforms.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct ConvMethod {
    pub(in crate::ops) gemm: &'static GemmKernel,
    /// For 3x3 filters only; 1x1 filters have nothing to transform.
    pub(in crate::ops) winograd: Option<&'static Winograd>,
}

impl ConvMethod {
    /// The GEMM alone: one product for each tap of the filter, added up in registers (implicit GEMM).
    pub(in crate::ops) const fn gemm(gemm: &'static GemmKernel) -> Self {
        Self { gemm, winograd: None }
    }

    /// The same for filters of `taps` numbers.
    pub(super) fn for_taps(self, taps: usize) -> Self {
        Self { winograd: self.winograd.filter(|_| taps == 9), ..self }
    }

    /// Every kernel that it launches.
    pub(in crate::ops) fn shaders(self) -> Vec<&'static Shader> {
        let transforms = self.winograd.map_or_else(Vec::new, Winograd::shaders);
        [&self.gemm.shader].into_iter().chain(transforms).collect()
    }

    /// Whether the ReLU's mask is applied while the input is read.
    pub(super) fn masks_its_input(self) -> bool {
        self.winograd.is_some_and(|winograd| winograd.input_masked.is_some())
    }

    /// Scratch for either pass of a convolution between these numbers of channels at the size of `input`.
    pub(super) fn scratch(self, channels: [u32; 2], input: Shape, bands: BandLimits) -> ScratchSize {
        let widest = channels[0].max(channels[1]);
        let mut scratch = ScratchSize::default();
        if self.gemm.reads_textures {
            // A copy of what the pass reads: the input forward, the output's gradient backward.
            let vectors = Shape { channels: widest, ..input }.vectors();
            scratch.textures.push(TextureSize { vectors, precision: input.precision });
        }
        if let Some(winograd) = self.winograd {
            // Each pass reads the channels of one side and writes those of the other.
            let values = winograd.values(widest, winograd.band(widest, input, bands));
            scratch.buffers = vec![values, values];
            if self.gemm.reads_textures {
                scratch.textures.push(TextureSize { vectors: values.vectors(), precision: values.precision });
            }
        }
        scratch
    }
}

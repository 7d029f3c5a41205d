//! Convolution with bias, 3x3 with zero padding or 1x1, optionally with its ReLU fused.

mod cases;
mod halo;
mod method;
mod rounding;
mod weights;
mod winograd;

pub(super) use cases::{cases, random_case};
pub(super) use halo::{HaloKernel, Split};
pub(super) use method::ConvMethod;
pub use weights::{Packed, PackedWeights};
pub(super) use winograd::Winograd;

use std::sync::Arc;

use super::gemm::Gemm;
use super::variants::{self, TunedOp};
use crate::error::Result;
use crate::gpu::{Recording, Scratch, ScratchSize, Shader, Shape, Tensor, Texture, shader};
use crate::graph::{Backward, Forward, Op, Reads};
use weights::{GemmWeights, PassWeights};

/// Every kernel that a convolution may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    variants::shaders(TunedOp::Conv3x3).into_iter().chain([&MASK]).collect()
}

static MASK: Shader = shader!("relu/mask");

/// The operation: `[in, h, w]` blocked to `[out, h, w]` blocked.
#[derive(Debug)]
pub struct Conv {
    weights: Arc<PackedWeights>,
    relu: bool,
}

impl Conv {
    /// A convolution with these weights, followed by a ReLU if `relu`.
    pub fn new(weights: Arc<PackedWeights>, relu: bool) -> Self {
        Self { weights, relu }
    }
}

impl Op for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        debug_assert_eq!(inputs[0].channels, self.weights.in_channels);
        Shape { channels: self.weights.out_channels, ..inputs[0] }
    }

    fn backward_reads(&self) -> Reads {
        // The weights are constants, so the input is not needed again; the output tells the ReLU's mask.
        Reads { inputs: false, output: self.relu }
    }

    fn scratch(&self, inputs: &[Shape]) -> ScratchSize {
        let PackedWeights { forward, backward, out_channels, in_channels, band_limits, .. } = &*self.weights;
        let of = |method: ConvMethod| method.scratch([*out_channels, *in_channels], inputs[0], *band_limits);
        let mut scratch = of(forward.method());
        scratch.enlarge(&of(backward.method()));
        scratch
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let pass = ConvPass {
            weights: &self.weights.forward,
            layer: &self.weights,
            bias: &self.weights.bias,
            src: io.inputs[0],
            dst: io.output,
            transposed: false,
            relu: self.relu,
            mask: None,
            accumulate: false,
            scratch: io.scratch,
        };
        pass.record(recording, io.label)
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        let weights = &self.weights.backward;
        // Some methods apply the ReLU's mask to what they read; the others need a pass over the gradient first.
        let fused = weights.method().masks_its_input();
        if self.relu && !fused {
            let kernel = recording.gpu().kernel(&MASK, &[])?;
            let launch =
                recording.launch(&kernel, io.label).bind("dst", io.output()?).bind("d_dst", io.d_output);
            launch.elements(io.d_output.shape().vectors())?;
        }
        let pass = ConvPass {
            weights,
            layer: &self.weights,
            bias: &self.weights.no_bias,
            src: io.d_output,
            dst: &d_input.tensor,
            transposed: true,
            relu: false,
            mask: if self.relu && fused { Some(io.output()?) } else { None },
            accumulate: d_input.accumulate,
            scratch: io.scratch,
        };
        pass.record(recording, io.label)
    }
}

/// One pass of a convolution, ready to be recorded.
#[derive(Clone, Copy)]
struct ConvPass<'a> {
    layer: &'a PackedWeights,
    /// Those of `layer` for this pass.
    weights: &'a PassWeights,
    bias: &'a Tensor,
    src: &'a Tensor,
    dst: &'a Tensor,
    /// Backward: the weights transposed and their taps in reverse.
    transposed: bool,
    relu: bool,
    /// Where this is not above zero, `src` counts as zero: see [`ConvMethod::masks_its_input`].
    mask: Option<&'a Tensor>,
    accumulate: bool,
    scratch: &'a Scratch,
}

impl ConvPass<'_> {
    fn record(&self, recording: &mut Recording, label: &str) -> Result<()> {
        match self.weights {
            PassWeights::Halo { kernel, weights } => kernel.record(recording, self, weights, label),
            PassWeights::Gemm(gemm) if gemm.rounds => {
                let rounded = self.record_rounding(recording, label)?;
                ConvPass { src: &rounded, mask: None, ..*self }.record_products(recording, gemm, label)
            }
            PassWeights::Gemm(gemm) => self.record_products(recording, gemm, label),
        }
    }

    fn record_products(&self, recording: &mut Recording, gemm: &GemmWeights, label: &str) -> Result<()> {
        match gemm.winograd {
            Some(winograd) => winograd.record(recording, self, gemm, label),
            None => self.record_gemm(recording, gemm, label),
        }
    }

    /// Implicit GEMM.
    fn record_gemm(&self, recording: &mut Recording, gemm: &GemmWeights, label: &str) -> Result<()> {
        let (features, out_channels) = (self.src.shape(), self.dst.shape().channels);
        let texture = self.texture_for(features);
        let product = Gemm {
            kernel: gemm.kernel,
            taps: self.layer.taps,
            count: 1,
            features,
            out_channels,
            matrices: &gemm.matrices,
            transposed: self.transposed,
            bias: self.bias,
            src: self.src,
            dst: self.dst,
            relu: self.relu,
            accumulate: self.accumulate,
            texture: texture.as_ref(),
            direct_flops: Gemm::flops(self.layer.taps, 1, features, out_channels),
        };
        product.record(recording, label)
    }

    /// The texture for a copy of the GEMM's operand, for kernels that read textures. The passes of a layer may need textures
    /// of two precisions.
    fn texture_for(&self, operand: Shape) -> Option<Texture> {
        let bytes = operand.precision.vector_bytes();
        let mut textures = self.scratch.textures.iter();
        let texture = textures.find(|texture| texture.precision().vector_bytes() == bytes);
        texture
            .filter(|_| self.weights.method().reads_textures())
            .map(|texture| texture.holding(operand.precision))
    }
}

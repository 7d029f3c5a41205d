//! Convolution with bias, 3x3 with zero padding or 1x1, optionally with its ReLU fused.

mod cases;
mod variant;
mod weights;
mod winograd;

pub(super) use cases::{cases, random_case};
pub use variant::ConvVariant;
pub use weights::{Packed, PackedWeights};

use std::sync::Arc;

use super::gemm::{self, Gemm, GemmKernel};
use crate::error::Result;
use crate::gpu::{Recording, Shader, Shape, Tensor, Texture, TextureSize, shader};
use crate::graph::{Backward, Forward, Op, Reads, Scratch, ScratchSize};

pub(super) const SHADERS: [Shader; 15] = {
    let [a, b, c, d, e, f] = gemm::SHADERS;
    let [g, h, i, j, k, l, m, n] = winograd::SHADERS;
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, MASK]
};
const MASK: Shader = shader!("relu/mask");

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

    fn output(&self, inputs: &[Shape]) -> Shape {
        debug_assert_eq!(inputs[0].channels, self.weights.in_channels);
        Shape { channels: self.weights.out_channels, ..inputs[0] }
    }

    fn backward_reads(&self) -> Reads {
        // The weights are constants, so the input is not needed again; the output tells the ReLU's mask.
        Reads { inputs: false, output: self.relu }
    }

    fn scratch(&self, inputs: &[Shape]) -> ScratchSize {
        let Self { weights, .. } = self;
        let kernel = weights.variant.gemm();
        let channels = [weights.out_channels, weights.in_channels];
        match weights.transform() {
            Some(transform) => transform.scratch(kernel, channels, inputs[0], weights.max_tensor_bytes),
            None => ScratchSize { buffers: vec![], textures: source_textures(kernel, channels, inputs[0]) },
        }
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let pass = Pass {
            weights: &self.weights,
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
        // Winograd's input transform can take the ReLU's mask in its stride; all else needs a pass over
        // the gradient first.
        let fused = self.weights.transform().is_some() && !self.weights.variant.gemm().fetches_textures();
        if self.relu && !fused {
            let kernel = recording.gpu().kernel(&MASK, &[])?;
            let launch =
                recording.launch(&kernel, io.label).bind("dst", io.output).bind("d_dst", io.d_output);
            launch.elements(io.output.shape().vectors())?;
        }
        let pass = Pass {
            weights: &self.weights,
            src: io.d_output,
            dst: &d_input.tensor,
            transposed: true,
            relu: false,
            mask: (self.relu && fused).then_some(io.output),
            accumulate: d_input.accumulate,
            scratch: io.scratch,
        };
        pass.record(recording, io.label)
    }
}

/// Room for a copy of what either pass reads: the input forward, the output's gradient backward.
fn source_textures(kernel: GemmKernel, [outs, ins]: [u32; 2], input: Shape) -> Vec<TextureSize> {
    let vectors = Shape { channels: ins.max(outs), ..input }.vectors();
    match kernel.fetches_textures() {
        true => vec![TextureSize { vectors, precision: input.precision }],
        false => vec![],
    }
}

/// One direction of a convolution.
struct Pass<'a> {
    weights: &'a PackedWeights,
    src: &'a Tensor,
    dst: &'a Tensor,
    /// Backward: the weights transposed, no bias.
    transposed: bool,
    relu: bool,
    /// Where this is not above zero, `src` counts as zero. Only for transforms that read buffers.
    mask: Option<&'a Tensor>,
    accumulate: bool,
    scratch: &'a Scratch,
}

impl Pass<'_> {
    fn record(&self, recording: &mut Recording, label: &str) -> Result<()> {
        if let Some(transform) = self.weights.transform() {
            return transform.record(recording, self, label);
        }
        let (features, out_channels) = (self.src.shape(), self.dst.shape().channels);
        let texture = self.source_texture();
        let gemm = Gemm {
            kernel: self.kernel(),
            taps: self.weights.taps,
            count: 1,
            features,
            out_channels,
            matrices: &self.weights.matrices,
            transposed: self.transposed,
            bias: self.bias(),
            src: self.src,
            dst: self.dst,
            relu: self.relu,
            accumulate: self.accumulate,
            texture: texture.as_ref(),
            direct_flops: Gemm::flops(self.weights.taps, 1, features, out_channels),
        };
        gemm.record(recording, label)
    }

    /// The kernel that multiplies.
    fn kernel(&self) -> GemmKernel {
        let variant = self.weights.variant;
        if self.transposed { variant.backward_gemm() } else { variant.gemm() }
    }

    /// The texture for a copy of `src`, for kernels that fetch from one.
    fn source_texture(&self) -> Option<Texture> {
        self.scratch.textures.first().map(|texture| texture.holding(self.src.shape().precision))
    }

    fn bias(&self) -> &Tensor {
        if self.transposed { &self.weights.no_bias } else { &self.weights.bias }
    }
}

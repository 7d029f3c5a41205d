//! Convolution with bias, 3x3 with zero padding or 1x1, optionally with its ReLU fused.

use std::sync::Arc;

use super::case::{AWKWARD, Array, Case, numbers, to_f32};
use super::variant::Variant;
use crate::error::Result;
use crate::gpu::{Gpu, Recording, Shader, Shape, Tensor, Texture, Use, shader};
use crate::graph::{Backward, Forward, Op, Reads, ScratchSize};

pub(super) const SHADERS: [Shader; 4] = [
    shader!("conv/1_naive"),
    shader!("conv/2_tiled"),
    // Loop and bounds checks keep the loops from being unrolled and the tile out of registers:
    // 7 times slower on lavapipe. Its loops have constant lengths and its indices come from sizes.
    shader!("conv/3_texture").without_checks(),
    MASK,
];
const MASK: Shader = shader!("relu/mask");

/// A matrix that features are multiplied by, where the variant wants it.
#[derive(Debug)]
pub(super) enum Matrix {
    Buffer(Tensor),
    Texture(Texture),
}

/// Weights and bias of one layer, packed for the kernels once: turned for the backward pass, too.
#[derive(Debug)]
pub struct PackedWeights {
    variant: Variant,
    taps: u32,
    in_channels: u32,
    out_channels: u32,
    forward: Matrix,
    backward: Matrix,
    bias: Tensor,
    /// The backward pass adds nothing.
    no_bias: Tensor,
}

impl PackedWeights {
    /// Packs `weight`, `[out, in, 3, 3]` or `[out, in, 1, 1]`, and `bias`, `[out]`.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) when memory runs out.
    pub fn new(
        gpu: &Gpu,
        variant: Variant,
        weight: &[f32],
        bias: &[f32],
        channels: [u32; 2],
    ) -> Result<Self> {
        let [out_channels, in_channels] = channels;
        let taps = weight.len() / (out_channels * in_channels) as usize;
        let at = |o: usize, i: usize, tap: usize| weight[(o * in_channels as usize + i) * taps + tap];
        let [outs, ins] = channels.map(|n| n as usize);
        let forward = pack(taps, ins, outs, at);
        // d_src[i] = sum over o of d_dst[o] moved the other way: taps in reverse, channels exchanged.
        let backward = pack(taps, outs, ins, |i, o, tap| at(o, i, taps - 1 - tap));
        Ok(Self {
            variant,
            taps: taps as u32,
            in_channels,
            out_channels,
            forward: Matrix::upload(gpu, variant, &forward)?,
            backward: Matrix::upload(gpu, variant, &backward)?,
            bias: gpu.upload(Shape::blocked(out_channels, 1, 1), bias, Use::Weights, "bias")?,
            no_bias: zero_bias(gpu, in_channels)?,
        })
    }
}

/// A bias of zeros.
pub(super) fn zero_bias(gpu: &Gpu, channels: u32) -> Result<Tensor> {
    gpu.upload(Shape::blocked(channels, 1, 1), &vec![0.0; channels as usize], Use::Weights, "no bias")
}

/// `[tap][in, padded to 4][out, padded to 4]`: the outputs of one input lie together.
fn pack(taps: usize, ins: usize, outs: usize, at: impl Fn(usize, usize, usize) -> f32) -> Vec<f32> {
    let (rows, columns) = (ins.next_multiple_of(4), outs.next_multiple_of(4));
    let mut packed = vec![0.0; taps * rows * columns];
    for (tap, matrix) in packed.chunks_exact_mut(rows * columns).enumerate() {
        for (i, row) in matrix.chunks_exact_mut(columns).take(ins).enumerate() {
            for (o, value) in row.iter_mut().take(outs).enumerate() {
                *value = at(o, i, tap);
            }
        }
    }
    packed
}

impl Matrix {
    fn upload(gpu: &Gpu, variant: Variant, packed: &[f32]) -> Result<Self> {
        if variant == Variant::Texture {
            return Ok(Self::Texture(gpu.upload_texture(packed, Use::Weights, "weights")?));
        }
        let shape = Shape::planar(1, 1, packed.len() as u32);
        Ok(Self::Buffer(gpu.upload(shape, packed, Use::Weights, "weights")?))
    }
}

/// One launch of a convolution kernel; the Gram matrix's backward pass is one, too.
pub(super) struct Product<'a> {
    pub(super) variant: Variant,
    pub(super) taps: u32,
    pub(super) matrix: &'a Matrix,
    pub(super) bias: &'a Tensor,
    pub(super) src: &'a Tensor,
    pub(super) dst: &'a Tensor,
    pub(super) relu: bool,
    pub(super) accumulate: bool,
    /// For the copy of `src` that the texture variant fetches from.
    pub(super) texture: Option<&'a Texture>,
}

impl Product<'_> {
    pub(super) fn record(&self, recording: &mut Recording, label: &str) -> Result<()> {
        let overrides = [
            ("TAPS", f64::from(self.taps)),
            ("RELU", f64::from(u8::from(self.relu))),
            ("ACCUMULATE", f64::from(u8::from(self.accumulate))),
        ];
        let kernel = recording.gpu().kernel(&SHADERS[self.variant as usize], &overrides)?;
        let (src, dst) = (self.src.shape(), self.dst.shape());
        if let (Variant::Texture, Some(texture)) = (self.variant, self.texture) {
            recording.copy_to_texture(self.src, texture);
        }
        let mut launch = recording
            .launch(&kernel, label)
            .bind("bias", self.bias)
            .bind("dst", self.dst)
            .set("in_channels", src.channels)
            .set("out_channels", dst.channels)
            .set("height", src.height)
            .set("width", src.width);
        launch = match (self.variant, self.texture) {
            (Variant::Texture, Some(texture)) => launch.bind_texture("src", texture),
            _ => launch.bind("src", self.src),
        };
        launch = match self.matrix {
            Matrix::Buffer(tensor) => launch.bind("weights", tensor),
            Matrix::Texture(texture) => launch.bind_texture("weights", texture),
        };
        match self.variant {
            Variant::Naive => launch.invocations([src.width, src.height, dst.channel_blocks()]),
            Variant::Tiled => {
                launch.groups([src.positions().div_ceil(64), dst.channel_blocks().div_ceil(16), 1])
            }
            Variant::Texture => {
                launch.groups([src.positions().div_ceil(512), dst.channel_blocks().div_ceil(8), 1])
            }
        }
    }
}

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
        let largest = inputs[0].vectors().max(self.output(inputs).vectors());
        let textures = if self.weights.variant == Variant::Texture { vec![largest] } else { vec![] };
        ScratchSize { buffers: vec![], textures }
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let product = Product {
            variant: self.weights.variant,
            taps: self.weights.taps,
            matrix: &self.weights.forward,
            bias: &self.weights.bias,
            src: io.inputs[0],
            dst: io.output,
            relu: self.relu,
            accumulate: false,
            texture: io.scratch.textures.first(),
        };
        product.record(recording, io.label)
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        if self.relu {
            let kernel = recording.gpu().kernel(&MASK, &[])?;
            let launch =
                recording.launch(&kernel, io.label).bind("dst", io.output).bind("d_dst", io.d_output);
            launch.elements(io.output.shape().vectors())?;
        }
        let product = Product {
            variant: self.weights.variant,
            taps: self.weights.taps,
            matrix: &self.weights.backward,
            bias: &self.weights.no_bias,
            src: io.d_output,
            dst: &d_input.tensor,
            relu: false,
            accumulate: d_input.accumulate,
            texture: io.scratch.textures.first(),
        };
        product.record(recording, io.label)
    }
}

/// The definition in f64; `x` is `[in, h, w]`, `weight` is `[out, in, k, k]` with k = 1 or 3.
fn reference(x: &[f64], weight: &[f64], bias: &[f64], [ins, h, w]: [usize; 3], relu: bool) -> Array {
    let taps = weight.len() / (bias.len() * ins);
    let mut out = vec![0.0; bias.len() * h * w];
    visit(taps, [ins, h, w], bias.len(), |o, i, tap, to, from| {
        out[o * h * w + to] += weight[(o * ins + i) * taps + tap] * x[i * h * w + from];
    });
    for (i, value) in out.iter_mut().enumerate() {
        *value += bias[i / (h * w)];
        *value = if relu { value.max(0.0) } else { *value };
    }
    out
}

/// Calls `f(out channel, in channel, tap, output position, input position)` for every product.
fn visit(
    taps: usize,
    [ins, h, w]: [usize; 3],
    outs: usize,
    mut f: impl FnMut(usize, usize, usize, usize, usize),
) {
    let radius = usize::from(taps == 9);
    for (o, i, tap) in (0..outs).flat_map(|o| (0..ins).flat_map(move |i| (0..taps).map(move |t| (o, i, t)))) {
        for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
            let (sy, sx) = (y + tap / 3, x + if taps == 9 { tap % 3 } else { 0 });
            if sy >= radius && sx >= radius && sy - radius < h && sx - radius < w {
                f(o, i, tap, y * w + x, (sy - radius) * w + sx - radius);
            }
        }
    }
}

/// Channels, then sizes; ReLU fused in every other case; 1x1 in every third.
pub(super) fn cases() -> Vec<Case> {
    let channels = [(1, 1), (3, 5), (4, 4), (5, 37), (16, 32), (13, 65)];
    let sizes = AWKWARD.into_iter().chain([(33, 19)]);
    let mut cases = vec![];
    for variant in Variant::ALL {
        for (n, (h, w)) in sizes.clone().enumerate() {
            for k in [0, 3] {
                let (ins, outs) = channels[(n + k) % channels.len()];
                cases.push(case(
                    variant,
                    [ins, outs],
                    [h, w],
                    if (n + k) % 3 == 2 { 1 } else { 9 },
                    n % 2 == 0,
                ));
            }
        }
    }
    cases
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    let variant = Variant::ALL[draw(0, Variant::ALL.len() as u32 - 1) as usize];
    let channels = [draw(1, 40), draw(1, 70)];
    let size = [draw(1, 24), draw(1, 24)];
    // Without the ReLU: among so many random sums one may be so close to 0 that f32 and f64 differ in
    // its sign.
    case(variant, channels, size, [1, 9][draw(0, 1) as usize], false)
}

fn case(variant: Variant, channels: [u32; 2], size: [u32; 2], taps: usize, relu: bool) -> Case {
    let ([ins, outs], [h, w]) = (channels, size);
    let weight = numbers(11, (ins * outs) as usize * taps);
    let bias = numbers(12, outs as usize);
    let (weight_b, bias_b) = (weight.clone(), bias.clone());
    let (weight_f, bias_f) = (weight.clone(), bias.clone());
    let dims = [ins as usize, h as usize, w as usize];
    Case {
        label: format!("conv/{variant} {taps} taps, {ins}x{h}x{w} to {outs}, relu {relu}"),
        inputs: vec![Shape::blocked(ins, h, w)],
        build: Box::new(move |gpu| {
            if !variant.runs_on(gpu) {
                return Ok(None);
            }
            let weights = PackedWeights::new(gpu, variant, &to_f32(&weight), &to_f32(&bias), [outs, ins])?;
            Ok(Some(Box::new(Conv::new(weights.into(), relu))))
        }),
        reference: Box::new(move |x| reference(&x[0], &weight_f, &bias_f, dims, relu)),
        reference_backward: Box::new(move |x, d_out| {
            let out = reference(&x[0], &weight_b, &bias_b, dims, relu);
            let mut d_x = vec![0.0; x[0].len()];
            visit(taps, dims, outs as usize, |o, i, tap, to, from| {
                let to = o * dims[1] * dims[2] + to;
                if !relu || out[to] > 0.0 {
                    let weight = weight_b[(o * dims[0] + i) * taps + tap];
                    d_x[i * dims[1] * dims[2] + from] += weight * d_out[to];
                }
            });
            vec![d_x]
        }),
        tolerance: 1e-5,
    }
}

//! Gram matrix: the correlations between feature maps, wherever in the image they occur.

use super::case::{AWKWARD, Array, Case};
use super::gemm::{Gemm, GemmKernel, Matrices, zero_bias};
use super::largest::{self, LARGEST, record_largest};
use super::variants::{self, Needs, Pass, PassVariants, TunedOp, Variant};
use crate::error::Result;
use crate::gpu::{Gpu, Precision, Recording, ScratchSize, Shader, Shape, Tensor, TextureSize, shader};
use crate::graph::{Backward, Forward, Op, Reads};

/// Every kernel that a Gram matrix may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    variants::shaders(TunedOp::Gram).into_iter().chain([&SYMMETRIZE]).collect()
}

static FINISH: Shader = shader!("gram/finish");
/// Columns of a workgroup of `FINISH`, and its blocks of rows or the invocations that share one.
const FINISH_COLUMNS: u32 = 16;
const FINISH_ROWS: u32 = 16;
static SYMMETRIZE: Shader = shader!("gram/symmetrize");

/// A kernel that sums products of feature maps over a part of the positions.
#[derive(Debug, Clone, Copy)]
pub(super) struct GramKernel {
    pub(super) shader: Shader,
    /// Columns and rows of the matrix that a workgroup computes; `None` for one element an invocation. Tiles below the
    /// diagonal are left out.
    pub(super) tile: Option<[u32; 2]>,
    /// Workgroups that occupy the devices it is written for: positions are split until there are as many.
    pub(super) workgroups: u32,
    /// Whether features are read from a storage texture instead of a buffer.
    pub(super) reads_textures: bool,
    /// Whether features are scaled to fit f16, by their largest magnitude.
    pub(super) scales: bool,
    pub(super) needs: Needs,
}

impl GramKernel {
    /// Every kernel that the forward pass launches.
    pub(super) fn shaders(&'static self) -> Vec<&'static Shader> {
        let search = self.scales.then_some(&LARGEST);
        [&self.shader, &FINISH].into_iter().chain(search).collect()
    }

    /// Side of the square tiles along the diagonal.
    fn side(&self, channels: u32) -> u32 {
        self.tile.map_or(channels, |[columns, _]| columns)
    }

    /// Into how many parts the positions are split, with sums of all parts in one tensor of `max_bytes`. Wide layers have
    /// many tiles already, and each part takes scratch.
    fn splits(&self, features: Shape, max_bytes: u64) -> u32 {
        let tiles = features.channels.div_ceil(self.side(features.channels));
        let groups = match self.tile {
            None => features.channels.div_ceil(64) * features.channel_blocks(),
            Some(_) => tiles * (tiles + 1) / 2,
        };
        let fit = (max_bytes / self.partials(features, 1).bytes()).max(1) as u32;
        (self.workgroups / groups).clamp(1, features.positions().div_ceil(256)).min(fit)
    }

    /// Operations of the forward pass.
    fn flops(&self, features: Shape) -> f64 {
        let side = self.side(features.channels);
        let tiles = f64::from(features.channels.div_ceil(side));
        let pairs = tiles * (tiles + 1.0) / 2.0 * f64::from(side).powi(2);
        2.0 * pairs * f64::from(features.positions())
    }

    /// Sums of each of `splits` parts of the positions.
    fn partials(&self, features: Shape, splits: u32) -> Shape {
        Shape::blocked(features.channels, splits, features.channels)
    }
}

/// `F F' / M` of features `[N, h, w]` with M = h * w: blocked to a matrix `[N, 1, N]`, blocked
/// (Gatys, Ecker & Bethge 2016, equation 3, with the sum made a mean).
#[derive(Debug)]
pub struct Gram {
    forward: GramKernel,
    backward: &'static GemmKernel,
    no_bias: Tensor,
    /// The device's limit, which bounds the splits.
    max_tensor_bytes: u64,
}

impl Gram {
    /// A Gram matrix of features with `channels` maps.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) when memory runs out, or for variants of another operation.
    pub fn new(gpu: &Gpu, variants: impl Into<PassVariants>, channels: u32) -> Result<Self> {
        let variants = variants.into();
        let (forward, _) = variants.of(Pass::Forward).gram_kernels()?;
        let (_, backward) = variants.of(Pass::Backward).gram_kernels()?;
        // A user's kernel states the edge of its tiles, in blocks of four channels, by a constant.
        let edge = gpu.constant_of_stand_in(&forward.shader, "TILE_BLOCKS").map(|blocks| (4 * blocks).max(4));
        let tile = edge.map_or(forward.tile, |edge| Some([edge; 2]));
        let forward = GramKernel { tile, ..*forward };
        let no_bias = zero_bias(gpu, channels)?;
        Ok(Self { forward, backward, no_bias, max_tensor_bytes: gpu.max_tensor_bytes() })
    }
}

/// Shape of the matrix that the backward pass multiplies features with: a 1x1 convolution's weights.
fn matrix_shape(channels: u32) -> Shape {
    Shape::blocked(channels, 1, channels.next_multiple_of(4))
}

impl Op for Gram {
    fn name(&self) -> &'static str {
        "gram"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        Shape::blocked(inputs[0].channels, 1, inputs[0].channels)
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn scratch(&self, inputs: &[Shape]) -> ScratchSize {
        let splits = self.forward.splits(inputs[0], self.max_tensor_bytes);
        let (partials, matrix) = (self.forward.partials(inputs[0], splits), matrix_shape(inputs[0].channels));
        let larger = if partials.bytes() > matrix.bytes() { partials } else { matrix };
        let size = |shape: Shape| TextureSize { vectors: shape.vectors(), precision: shape.precision };
        let textures = match (self.forward.reads_textures, self.backward.reads_textures) {
            (_, true) => vec![size(inputs[0]), size(matrix)],
            (true, false) => vec![size(inputs[0])],
            (false, false) => vec![],
        };
        let buffers = [larger].into_iter().chain(self.forward.scales.then(largest::partials_shape)).collect();
        ScratchSize { buffers, textures }
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let (src, partials) = (io.inputs[0], &io.scratch.buffers[0]);
        let features = src.shape();
        let splits = self.forward.splits(features, self.max_tensor_bytes);
        let (channels, blocks) = (features.channels, features.channel_blocks());
        let kernel = recording.gpu().kernel(&self.forward.shader, &[])?;
        let texture = io.scratch.textures.first().filter(|_| self.forward.reads_textures);
        if let Some(texture) = texture {
            recording.copy_to_texture(src, texture);
        }
        if self.forward.scales {
            record_largest(recording, io.label, src, &io.scratch.buffers[1])?;
        }
        let launch = recording
            .launch(&kernel, io.label)
            .bind("partials", partials)
            .set("channels", channels)
            .set("positions", features.positions())
            .set("splits", splits)
            .flops(self.forward.flops(features), Gemm::flops(1, 1, features, channels));
        let launch = match texture {
            Some(texture) => launch.bind_texture("src", texture),
            None => launch.bind("src", src),
        };
        let launch = match self.forward.scales {
            true => launch.bind("largest", &io.scratch.buffers[1]),
            false => launch,
        };
        match self.forward.tile {
            None => launch.invocations([channels, blocks, splits])?,
            Some([columns, rows]) => {
                launch.groups([channels.div_ceil(columns), channels.div_ceil(rows), splits])?;
            }
        }
        // On a CPU one invocation adds all splits of an element: a barrier would take longer.
        let shares = if splits == 1 || self.forward.reads_textures { 1 } else { FINISH_ROWS };
        let kernel = recording.gpu().kernel(&FINISH, &[("SHARES", f64::from(shares))])?;
        recording
            .launch(&kernel, io.label)
            .bind("partials", partials)
            .bind("dst", io.output)
            .set("channels", channels)
            .set("splits", splits)
            .set("tile", self.forward.side(channels))
            .set("scale", 1.0 / features.positions() as f32)
            .groups([channels.div_ceil(FINISH_COLUMNS), blocks.div_ceil(FINISH_ROWS / shares), 1])
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        let features = io.input_shapes[0];
        let matrix = io.scratch.buffers[0].viewed_as(matrix_shape(features.channels));
        let kernel = recording.gpu().kernel(&SYMMETRIZE, &[])?;
        recording
            .launch(&kernel, io.label)
            .bind("d_gram", io.d_output)
            .bind("matrix", &matrix)
            .set("channels", features.channels)
            .set("scale", 1.0 / features.positions() as f32)
            .invocations([features.channel_blocks() * 4, features.channel_blocks(), 1])?;
        let textures = self.backward.reads_textures.then_some(&io.scratch.textures);
        let matrices = match textures {
            Some(textures) => {
                recording.copy_to_texture(&matrix, &textures[1]);
                Matrices::Texture(textures[1].clone())
            }
            None => Matrices::Buffer(matrix),
        };
        let gemm = Gemm {
            kernel: self.backward,
            taps: 1,
            count: 1,
            features,
            out_channels: features.channels,
            matrices: &matrices,
            transposed: false,
            bias: &self.no_bias,
            src: io.input(0)?,
            dst: &d_input.tensor,
            relu: false,
            accumulate: d_input.accumulate,
            texture: textures.map(|textures| &textures[0]),
            direct_flops: Gemm::flops(1, 1, features, features.channels),
        };
        gemm.record(recording, io.label)
    }
}

fn reference(f: &[f64], channels: usize) -> Array {
    let m = f.len() / channels;
    let (row, dot) = (
        |i: usize| &f[i * m..(i + 1) * m],
        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / m as f64,
    );
    (0..channels * channels).map(|k| dot(row(k / channels), row(k % channels))).collect()
}

fn reference_backward(f: &[f64], d: &[f64], channels: usize) -> Vec<Array> {
    let m = f.len() / channels;
    let mut d_f = vec![0.0; f.len()];
    for (i, j) in (0..channels).flat_map(|i| (0..channels).map(move |j| (i, j))) {
        let s = (d[i * channels + j] + d[j * channels + i]) / m as f64;
        (0..m).for_each(|p| d_f[i * m + p] += s * f[j * m + p]);
    }
    vec![d_f]
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![];
    let shapes = AWKWARD.into_iter().zip([1, 3, 5, 17, 20, 64]).chain([
        ((11, 29), 70),
        ((40, 41), 6),
        ((3, 3), 130),
        ((1, 97), 33),
        ((23, 2), 12),
        ((9, 31), 65),
        // More splits than invocations of `gram/finish` that share an element.
        ((70, 71), 5),
    ]);
    for variant in TunedOp::Gram.variants() {
        for ((h, w), c) in shapes.clone() {
            cases.push(case(variant, c, [h, w]));
        }
        cases.extend([(65, [9, 31]), (5, [7, 13])].map(|(c, size)| case(variant, c, size).in_f16()));
    }
    cases
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    case(variants::random(TunedOp::Gram, draw), draw(1, 80), [draw(1, 40), draw(1, 40)])
}

fn case(variant: &'static Variant, c: u32, [h, w]: [u32; 2]) -> Case {
    Case {
        label: format!("gram/{variant} {c}x{h}x{w}"),
        rung: variant.name,
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![Shape::blocked(c, h, w)],
        build: Box::new(move |gpu| {
            let op = variant.runs_on(gpu).then(|| Gram::new(gpu, variant, c)).transpose()?;
            Ok(op.map(|op| Box::new(op) as Box<dyn Op>))
        }),
        reference: Box::new(move |x| reference(&x[0], c as usize)),
        reference_backward: Box::new(move |x, d| reference_backward(&x[0], d, c as usize)),
        tolerance: 1e-5,
    }
}

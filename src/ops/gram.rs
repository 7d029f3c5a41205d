//! Gram matrix: the correlations between feature maps, wherever in the picture they occur.

use std::fmt;

use super::case::{AWKWARD, Array, Case};
use super::gemm::{Gemm, GemmKernel, Matrices, zero_bias};
use crate::error::Result;
use crate::gpu::{Gpu, Recording, Shader, Shape, Tensor, TextureSize, shader};
use crate::graph::{Backward, Forward, Op, Reads, ScratchSize};

pub(super) const SHADERS: [Shader; 7] = [
    shader!("gram/1_naive"),
    shader!("gram/2_tiled"),
    shader!("gram/3_registers"),
    shader!("gram/4_vectors"),
    // As conv/texture: checks keep the tile out of registers.
    shader!("gram/texture").without_checks(),
    FINISH,
    SYMMETRIZE,
];
const FINISH: Shader = shader!("gram/finish");
const SYMMETRIZE: Shader = shader!("gram/symmetrize");

/// How a Gram matrix is computed, and its backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GramVariant {
    /// The definition, for reading and for checking the others.
    Naive,
    /// Tiles in workgroup memory.
    Tiled,
    /// Eight by eight results an invocation, in registers.
    Registers,
    /// Workgroup memory read by the vector, the next slab loaded while one is multiplied.
    Vectors,
    /// Registers and a storage texture: for drivers on the CPU.
    Texture,
}

impl GramVariant {
    /// All rungs, plainest first.
    pub const ALL: [Self; 5] = [Self::Naive, Self::Tiled, Self::Registers, Self::Vectors, Self::Texture];

    /// The kernel of the backward pass, a product.
    fn gemm(self) -> GemmKernel {
        match self {
            Self::Naive => GemmKernel::Naive,
            Self::Tiled => GemmKernel::Tiled,
            Self::Registers => GemmKernel::Registers,
            Self::Vectors => GemmKernel::Vectors,
            Self::Texture => GemmKernel::Texture,
        }
    }

    /// Whether the device has what the variant needs.
    pub fn runs_on(self, gpu: &Gpu) -> bool {
        self.lacks(gpu).is_none()
    }

    /// What the device lacks of what the variant needs, in words to follow "needs".
    pub fn lacks(self, gpu: &Gpu) -> Option<String> {
        self.gemm().lacks(gpu)
    }

    /// The variant of this [`name`](Self::name).
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variant| variant.name() == name)
    }

    /// As `--kernel` takes it and tables show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Naive => "naive",
            Self::Tiled => "tiled",
            Self::Registers => "registers",
            Self::Vectors => "vectors",
            Self::Texture => "texture",
        }
    }
}

impl fmt::Display for GramVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// `F F' / M` of features `[N, h, w]` with M = h * w: blocked to a matrix `[N, 1, N]`, blocked
/// (Gatys, Ecker & Bethge 2016, equation 3, with the sum made a mean).
#[derive(Debug)]
pub struct Gram {
    variant: GramVariant,
    no_bias: Tensor,
}

impl Gram {
    /// A Gram matrix of features with `channels` maps.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) when memory runs out.
    pub fn new(gpu: &Gpu, variant: GramVariant, channels: u32) -> Result<Self> {
        Ok(Self { variant, no_bias: zero_bias(gpu, channels)? })
    }

    /// Rows and columns that a workgroup computes; the naive kernel has no tiles and skips none.
    fn tile(&self, channels: u32) -> u32 {
        match self.variant {
            GramVariant::Naive => channels,
            GramVariant::Tiled => 32,
            GramVariant::Registers | GramVariant::Vectors => 64,
            GramVariant::Texture => 64,
        }
    }

    /// Into how many parts the positions are split, so that many workgroups have work but scratch stays
    /// small, since wide layers have many tiles already. A CPU driver needs few; 256 are two or more
    /// for each core of most GPUs.
    fn splits(&self, features: Shape) -> u32 {
        let tiles = features.channels.div_ceil(self.tile(features.channels));
        let groups = match self.variant {
            GramVariant::Naive => features.channels.div_ceil(64) * features.channel_blocks(),
            _ => tiles * (tiles + 1) / 2,
        };
        let wanted = match self.variant {
            GramVariant::Naive | GramVariant::Texture => 64,
            GramVariant::Tiled | GramVariant::Registers | GramVariant::Vectors => 256,
        };
        (wanted / groups).clamp(1, features.positions().div_ceil(256))
    }

    /// Operations of the forward pass: tiles below the diagonal are left out.
    fn flops(&self, features: Shape) -> f64 {
        let tile = self.tile(features.channels);
        let tiles = f64::from(features.channels.div_ceil(tile));
        let pairs = tiles * (tiles + 1.0) / 2.0 * f64::from(tile).powi(2);
        2.0 * pairs * f64::from(features.positions())
    }

    fn partials(&self, features: Shape) -> Shape {
        Shape::blocked(features.channels, self.splits(features), features.channels)
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

    fn output(&self, inputs: &[Shape]) -> Shape {
        Shape::blocked(inputs[0].channels, 1, inputs[0].channels)
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn scratch(&self, inputs: &[Shape]) -> ScratchSize {
        let (partials, matrix) = (self.partials(inputs[0]), matrix_shape(inputs[0].channels));
        let larger = if partials.bytes() > matrix.bytes() { partials } else { matrix };
        let size = |shape: Shape| TextureSize { vectors: shape.vectors(), precision: shape.precision };
        let textures = match self.variant {
            GramVariant::Texture => vec![size(inputs[0]), size(matrix)],
            _ => vec![],
        };
        ScratchSize { buffers: vec![larger], textures }
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let (src, partials) = (io.inputs[0], &io.scratch.buffers[0]);
        let features = src.shape();
        let splits = self.splits(features);
        let (channels, blocks) = (features.channels, features.channel_blocks());
        let tiles = channels.div_ceil(self.tile(channels));
        let kernel = recording.gpu().kernel(&SHADERS[self.variant as usize], &[])?;
        if self.variant == GramVariant::Texture {
            recording.copy_to_texture(src, &io.scratch.textures[0]);
        }
        let launch = recording
            .launch(&kernel, io.label)
            .bind("partials", partials)
            .set("channels", channels)
            .set("positions", features.positions())
            .set("splits", splits)
            .flops(self.flops(features), Gemm::flops(1, 1, features, channels));
        match self.variant {
            GramVariant::Naive => launch.bind("src", src).invocations([channels, blocks, splits])?,
            GramVariant::Tiled | GramVariant::Registers | GramVariant::Vectors => {
                launch.bind("src", src).groups([tiles, tiles, splits])?;
            }
            GramVariant::Texture => {
                let rows = channels.div_ceil(32);
                launch.bind_texture("src", &io.scratch.textures[0]).groups([tiles, rows, splits])?;
            }
        }
        let kernel = recording.gpu().kernel(&FINISH, &[])?;
        recording
            .launch(&kernel, io.label)
            .bind("partials", partials)
            .bind("dst", io.output)
            .set("channels", channels)
            .set("splits", splits)
            .set("tile", self.tile(channels))
            .set("scale", 1.0 / features.positions() as f32)
            .invocations([channels, blocks, 1])
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        let features = io.inputs[0].shape();
        let matrix = io.scratch.buffers[0].viewed_as(matrix_shape(features.channels));
        let kernel = recording.gpu().kernel(&SYMMETRIZE, &[])?;
        recording
            .launch(&kernel, io.label)
            .bind("d_gram", io.d_output)
            .bind("matrix", &matrix)
            .set("channels", features.channels)
            .set("scale", 1.0 / features.positions() as f32)
            .invocations([features.channel_blocks() * 4, features.channel_blocks(), 1])?;
        let matrices = match self.variant {
            GramVariant::Texture => {
                recording.copy_to_texture(&matrix, &io.scratch.textures[1]);
                Matrices::Texture(io.scratch.textures[1].clone())
            }
            _ => Matrices::Buffer(matrix),
        };
        let gemm = Gemm {
            kernel: self.variant.gemm(),
            taps: 1,
            count: 1,
            features,
            out_channels: features.channels,
            matrices: &matrices,
            transposed: false,
            bias: &self.no_bias,
            src: io.inputs[0],
            dst: &d_input.tensor,
            relu: false,
            accumulate: d_input.accumulate,
            texture: io.scratch.textures.first(),
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
    ]);
    for variant in GramVariant::ALL {
        for ((h, w), c) in shapes.clone() {
            cases.push(case(variant, c, [h, w]));
        }
        cases.extend([(65, [9, 31]), (5, [7, 13])].map(|(c, size)| case(variant, c, size).in_f16()));
    }
    cases
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    case(
        GramVariant::ALL[draw(0, GramVariant::ALL.len() as u32 - 1) as usize],
        draw(1, 80),
        [draw(1, 40), draw(1, 40)],
    )
}

fn case(variant: GramVariant, c: u32, [h, w]: [u32; 2]) -> Case {
    Case {
        label: format!("gram/{variant} {c}x{h}x{w}"),
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

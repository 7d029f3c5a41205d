//! GEMM: the multiplication of matrices with features that direct convolutions, the middle of Winograd's method and
//! the Gram matrix's backward pass share.

use rayon::prelude::*;

use super::variants::Needs;
use crate::error::Result;
use crate::gpu::{Gpu, Precision, Recording, Shader, Shape, Tensor, Texture, Use};

/// A kernel that multiplies matrices with features.
#[derive(Debug)]
pub(super) struct GemmKernel {
    pub(super) shader: Shader,
    pub(super) tile: Tile,
    /// Whether features and weights are read from storage textures instead of buffers.
    pub(super) reads_textures: bool,
    pub(super) needs: Needs,
}

/// Results that a workgroup computes: positions by blocks of four output channels.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tile {
    /// Always as many.
    Fixed { positions: u32, blocks: u32 },
    /// One block where there is only one, else as many: the kernel's constant `BLOCKS`. Half or a quarter of the positions
    /// where these hold all that there are; the kernel's constant `RUN` is an eighth of them.
    UpTo { positions: u32, blocks: u32 },
}

impl GemmKernel {
    /// A kernel that reads buffers and needs no optional feature.
    pub(super) const fn new(shader: Shader, tile: Tile) -> Self {
        Self { shader, tile, reads_textures: false, needs: Needs::NOTHING }
    }
}

/// The matrices of a layer on a device, in the form that its kernel reads.
#[derive(Debug, Clone)]
pub(super) enum Matrices {
    /// For a [`GemmKernel`] that reads buffers.
    Buffer(Tensor),
    /// For a [`GemmKernel`] that reads textures.
    Texture(Texture),
}

impl Matrices {
    /// Uploads matrices that [`pack`] has packed, to be stored in this precision.
    pub(super) fn upload(
        gpu: &Gpu,
        kernel: &GemmKernel,
        packed: &[f32],
        precision: Precision,
    ) -> Result<Self> {
        if kernel.reads_textures {
            return Ok(Self::Texture(gpu.upload_texture(packed, precision, Use::Weights, "weights")?));
        }
        let shape = Shape::planar(1, 1, packed.len() as u32).stored_in(precision);
        Ok(Self::Buffer(gpu.upload(shape, packed, Use::Weights, "weights")?))
    }
}

/// Packs filters, `[out][in][taps]`, into `count` matrices in blocks of 4 x 4: `[matrix][in / 4][out / 4][4 in][4 out]`,
/// padded with zeros. `element` computes the element of a matrix from the taps of a filter.
pub(super) fn pack(
    filters: &[f32],
    [outs, ins]: [usize; 2],
    count: usize,
    element: impl Fn(usize, &[f32]) -> f32 + Sync,
) -> Vec<f32> {
    let taps = filters.len() / (outs * ins);
    let [out_blocks, in_blocks] = [outs.div_ceil(4), ins.div_ceil(4)];
    let a_matrix = in_blocks * out_blocks * 16;
    let mut packed = vec![0.0; count * a_matrix];
    packed.par_chunks_mut(a_matrix).enumerate().for_each(|(matrix, packed)| {
        for (at, filter) in filters.chunks_exact(taps).enumerate() {
            let [o, i] = [at / ins, at % ins];
            let block = i / 4 * out_blocks + o / 4;
            packed[block * 16 + i % 4 * 4 + o % 4] = element(matrix, filter);
        }
    });
    packed
}

/// A bias of zeros.
pub(super) fn zero_bias(gpu: &Gpu, channels: u32) -> Result<Tensor> {
    gpu.upload(Shape::blocked(channels, 1, 1), &vec![0.0; channels as usize], Use::Weights, "no bias")
}

/// One launch of `count` GEMMs from `[in, height, width]` features to `[out, height, width]` ones. Their operands and
/// results are stored one after the other, and each has its own matrices.
pub(super) struct Gemm<'a> {
    pub(super) kernel: &'static GemmKernel,
    /// Matrices of each GEMM: 9 for the taps of a 3x3 convolution, else 1.
    pub(super) taps: u32,
    pub(super) count: u32,
    /// Shape of the source of one GEMM.
    pub(super) features: Shape,
    pub(super) out_channels: u32,
    pub(super) matrices: &'a Matrices,
    /// The matrices are read transposed and the taps in reverse, as backward passes need them.
    pub(super) transposed: bool,
    pub(super) bias: &'a Tensor,
    pub(super) src: &'a Tensor,
    pub(super) dst: &'a Tensor,
    pub(super) relu: bool,
    pub(super) accumulate: bool,
    /// Texture for a copy of `src`, for kernels that read textures.
    pub(super) texture: Option<&'a Texture>,
    /// Operations of the definition of the result that this GEMM is a part of.
    pub(super) direct_flops: f64,
}

impl Gemm<'_> {
    /// Floating-point operations: a multiplication and an addition for each matrix element at each position.
    pub(super) fn flops(taps: u32, count: u32, features: Shape, out_channels: u32) -> f64 {
        let positions = f64::from(features.positions());
        2.0 * f64::from(taps * count) * f64::from(features.channels) * f64::from(out_channels) * positions
    }

    pub(super) fn record(&self, recording: &mut Recording, label: &str) -> Result<()> {
        let flag = |on: bool| f64::from(u8::from(on));
        let out_blocks = self.out_channels.div_ceil(4);
        let mut overrides = vec![
            ("TAPS", f64::from(self.taps)),
            ("TRANSPOSED", flag(self.transposed)),
            ("RELU", flag(self.relu)),
            ("ACCUMULATE", flag(self.accumulate)),
        ];
        let (positions, blocks) = match self.kernel.tile {
            Tile::Fixed { positions, blocks } => (positions, blocks),
            Tile::UpTo { positions, blocks } => {
                let blocks = if out_blocks == 1 { 1 } else { blocks };
                let all = self.features.positions();
                let positions =
                    [positions / 4, positions / 2].into_iter().find(|few| all <= *few).unwrap_or(positions);
                overrides.push(("BLOCKS", f64::from(blocks)));
                overrides.push(("RUN", f64::from(positions / 8)));
                (positions, blocks)
            }
        };
        let shader = &self.kernel.shader;
        let tile = |name| recording.gpu().constant_of_stand_in(shader, name);
        let (positions, blocks) =
            (tile("TILE").unwrap_or(positions).max(1), tile("TILE_BLOCKS").unwrap_or(blocks).max(1));
        let kernel = recording.gpu().kernel(shader, &overrides)?;
        if let Some(texture) = self.texture {
            recording.copy_to_texture(self.src, texture);
        }
        let mut launch = recording
            .launch(&kernel, label)
            .bind("bias", self.bias)
            .bind("dst", self.dst)
            .set("in_channels", self.features.channels)
            .set("out_channels", self.out_channels)
            .set("height", self.features.height)
            .set("width", self.features.width)
            .flops(Self::flops(self.taps, self.count, self.features, self.out_channels), self.direct_flops);
        launch = match self.texture {
            Some(texture) => launch.bind_texture("src", texture),
            None => launch.bind("src", self.src),
        };
        launch = match self.matrices {
            Matrices::Buffer(tensor) => launch.bind("weights", tensor),
            Matrices::Texture(texture) => launch.bind_texture("weights", texture),
        };
        launch.groups([
            self.features.positions().div_ceil(positions),
            out_blocks.div_ceil(blocks),
            self.count,
        ])
    }
}

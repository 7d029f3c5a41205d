//! Products of matrices with features: what convolutions of either direction, Winograd's method in its
//! middle and the Gram matrix's backward pass have in common.

use rayon::prelude::*;

use crate::error::Result;
use crate::gpu::{Gpu, Precision, Recording, Shader, Shape, Tensor, Texture, Use, shader};

/// The rungs of the ladder, plainest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum GemmKernel {
    Naive,
    Tiled,
    Registers,
    Vectors,
    Cooperative,
    Texture,
}

pub(super) const SHADERS: [Shader; 6] = [
    shader!("conv/1_naive"),
    shader!("conv/2_tiled"),
    shader!("conv/3_registers"),
    shader!("conv/4_vectors"),
    shader!("conv/5_cooperative"),
    // Loop and bounds checks keep the loops from being unrolled and the tile out of registers:
    // 7 times slower on lavapipe. Its loops have constant lengths and its indices come from sizes.
    shader!("conv/texture").without_checks(),
];

impl GemmKernel {
    fn shader(self) -> &'static Shader {
        &SHADERS[self as usize]
    }

    /// Positions and blocks of four output channels that a workgroup computes, of so many blocks.
    fn tile(self, out_blocks: u32) -> [u32; 2] {
        match self {
            Self::Naive => [64, 1],
            Self::Tiled => [32, 8],
            Self::Registers => [64, 16],
            Self::Vectors | Self::Cooperative => [128, 16],
            Self::Texture => [64, if out_blocks == 1 { 1 } else { 8 }],
        }
    }

    /// Whether features and weights are read from textures.
    pub(super) fn fetches_textures(self) -> bool {
        self == Self::Texture
    }

    /// What the device lacks of what the kernel needs, in words to follow "needs".
    pub(super) fn lacks(self, gpu: &Gpu) -> Option<String> {
        let limits = gpu.limits();
        let workgroups = |invocations: u32, memory: u32| {
            let has = limits.max_compute_invocations_per_workgroup >= invocations
                && limits.max_compute_workgroup_storage_size >= memory;
            (!has).then(|| format!("workgroups of {invocations} with {memory} bytes of their own memory"))
        };
        match self {
            Self::Naive => None,
            Self::Tiled => workgroups(256, 4096),
            Self::Registers => workgroups(64, 8320),
            Self::Vectors => workgroups(128, 12288),
            Self::Cooperative if !gpu.multiplies_matrices() => {
                Some("matrix units for 16 x 16 matrices of f16 with sums in f32".into())
            }
            // Its four subgroups share out a tile.
            Self::Cooperative if gpu.subgroup_size() != Some(32) => Some("subgroups of 32".into()),
            Self::Cooperative => workgroups(128, 13568),
            Self::Texture => {
                let has = gpu.subgroup_size().is_some_and(|size| size >= 8)
                    && limits.max_storage_textures_per_shader_stage >= 2;
                (!has).then(|| "subgroups of one size, at least 8, and two storage textures a kernel".into())
            }
        }
    }
}

/// Where a kernel reads its matrices: a buffer or a texture, as [`GemmKernel::fetches_textures`] says.
#[derive(Debug, Clone)]
pub(super) enum Matrices {
    Buffer(Tensor),
    Texture(Texture),
}

impl Matrices {
    /// Uploads matrices that [`pack`] has packed, to be stored in this precision.
    pub(super) fn upload(
        gpu: &Gpu,
        kernel: GemmKernel,
        packed: &[f32],
        precision: Precision,
    ) -> Result<Self> {
        if kernel.fetches_textures() {
            return Ok(Self::Texture(gpu.upload_texture(packed, precision, Use::Weights, "weights")?));
        }
        let shape = Shape::planar(1, 1, packed.len() as u32).stored_in(precision);
        Ok(Self::Buffer(gpu.upload(shape, packed, Use::Weights, "weights")?))
    }
}

/// Makes `count` matrices of filters, `[out][in][taps]`, in blocks of 4 x 4: `[matrix][in / 4][out / 4][4 in][4 out]`,
/// zeros past the end. `number` is what a filter's taps contribute to a matrix.
pub(super) fn pack(
    filters: &[f32],
    [outs, ins]: [usize; 2],
    count: usize,
    number: impl Fn(usize, &[f32]) -> f32 + Sync,
) -> Vec<f32> {
    let taps = filters.len() / (outs * ins);
    let [out_blocks, in_blocks] = [outs.div_ceil(4), ins.div_ceil(4)];
    let a_matrix = in_blocks * out_blocks * 16;
    let mut packed = vec![0.0; count * a_matrix];
    packed.par_chunks_mut(a_matrix).enumerate().for_each(|(matrix, packed)| {
        for (at, filter) in filters.chunks_exact(taps).enumerate() {
            let [o, i] = [at / ins, at % ins];
            let block = i / 4 * out_blocks + o / 4;
            packed[block * 16 + i % 4 * 4 + o % 4] = number(matrix, filter);
        }
    });
    packed
}

/// A bias of zeros.
pub(super) fn zero_bias(gpu: &Gpu, channels: u32) -> Result<Tensor> {
    gpu.upload(Shape::blocked(channels, 1, 1), &vec![0.0; channels as usize], Use::Weights, "no bias")
}

/// One launch: `count` products of `[in, height, width]` features to `[out, height, width]` ones, which
/// lie behind one another, each with its own matrices.
pub(super) struct Gemm<'a> {
    pub(super) kernel: GemmKernel,
    /// Matrices a product: 9 for the taps of a 3x3 convolution, 1 for a plain product.
    pub(super) taps: u32,
    pub(super) count: u32,
    /// Of the source, one product alone.
    pub(super) features: Shape,
    pub(super) out_channels: u32,
    pub(super) matrices: &'a Matrices,
    /// Uses the matrices transposed and the taps in reverse, as backward passes do.
    pub(super) transposed: bool,
    pub(super) bias: &'a Tensor,
    pub(super) src: &'a Tensor,
    pub(super) dst: &'a Tensor,
    pub(super) relu: bool,
    pub(super) accumulate: bool,
    /// For the copy of `src` that kernels which fetch from textures need.
    pub(super) texture: Option<&'a Texture>,
    /// Operations that the definition of what this is a part of would need.
    pub(super) direct_flops: f64,
}

impl Gemm<'_> {
    /// Operations of a direct product: two for each number of each matrix at each position.
    pub(super) fn flops(taps: u32, count: u32, features: Shape, out_channels: u32) -> f64 {
        let positions = f64::from(features.positions());
        2.0 * f64::from(taps * count) * f64::from(features.channels) * f64::from(out_channels) * positions
    }

    pub(super) fn record(&self, recording: &mut Recording, label: &str) -> Result<()> {
        let flag = |on: bool| f64::from(u8::from(on));
        let out_blocks = self.out_channels.div_ceil(4);
        let [positions, blocks] = self.kernel.tile(out_blocks);
        let mut overrides = vec![
            ("TAPS", f64::from(self.taps)),
            ("TRANSPOSED", flag(self.transposed)),
            ("RELU", flag(self.relu)),
            ("ACCUMULATE", flag(self.accumulate)),
        ];
        if self.kernel == GemmKernel::Texture {
            overrides.push(("BLOCKS", f64::from(blocks)));
        }
        let kernel = recording.gpu().kernel(self.kernel.shader(), &overrides)?;
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

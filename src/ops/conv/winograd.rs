//! Winograd's method: tiles of the input are transformed, products of matrices take them to tiles of
//! the output at the same points, and these are transformed back. See `shaders/shared/winograd_f4`.

use super::{Pass, source_textures};
use crate::error::Result;
use crate::gpu::{Launch, Recording, Shader, Shape, TextureSize, shader};
use crate::graph::ScratchSize;
use crate::ops::gemm::{Gemm, GemmKernel};

pub(super) const SHADERS: [Shader; 8] = [
    F2_INPUT,
    F2_INPUT_MASKED,
    F2_OUTPUT,
    F4_INPUT,
    F4_INPUT_MASKED,
    F4_OUTPUT,
    F4_INPUT_TEXTURE,
    F4_OUTPUT_TEXTURE,
];
const F2_INPUT: Shader = shader!("conv/winograd_f2_input");
const F2_INPUT_MASKED: Shader = shader!("conv/winograd_f2_input_masked");
const F2_OUTPUT: Shader = shader!("conv/winograd_f2_output");
const F4_INPUT: Shader = shader!("conv/winograd_f4_input");
const F4_INPUT_MASKED: Shader = shader!("conv/winograd_f4_input_masked");
const F4_OUTPUT: Shader = shader!("conv/winograd_f4_output");
// Checks keep the loops over a tile from being unrolled: see conv/texture.
const F4_INPUT_TEXTURE: Shader = shader!("conv/winograd_f4_input_texture").without_checks();
const F4_OUTPUT_TEXTURE: Shader = shader!("conv/winograd_f4_output_texture").without_checks();

/// Bytes that the values, and again the products, of a band of tiles may take: enough to occupy a
/// large GPU; on a CPU, what stays in the caches.
const BAND_BYTES: u64 = 32 << 20;
const TEXTURE_BAND_BYTES: u64 = 8 << 20;

/// Which of the F(n x n, 3 x 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    F2,
    F4,
}

impl Transform {
    /// Outputs along the edge of a tile.
    pub(super) fn outputs(self) -> u32 {
        match self {
            Self::F2 => 2,
            Self::F4 => 4,
        }
    }

    /// Points along the edge of a tile.
    pub(super) fn points(self) -> u32 {
        self.outputs() + 2
    }

    /// G: takes a filter's three taps to its values at the points.
    fn filter_matrix(self) -> Vec<[f64; 3]> {
        let root = std::f64::consts::SQRT_2;
        // The value of the polynomial at x, over the product of the distances to the other points.
        let at = |x: f64, scale: f64| [1.0, x, x * x].map(|power| power / scale);
        match self {
            Self::F2 => vec![at(0.0, 1.0), at(1.0, 2.0), at(-1.0, 2.0), [0.0, 0.0, 1.0]],
            Self::F4 => vec![
                at(0.0, 1.0),
                at(1.0 / root, -1.5),
                at(-1.0 / root, -1.5),
                at(root, 6.0),
                at(-root, 6.0),
                [0.0, 0.0, 1.0],
            ],
        }
    }

    /// G g G': for each of `points * points`, how much each of a filter's nine taps counts there.
    pub(super) fn filter_points(self) -> Vec<[f64; 9]> {
        let g = self.filter_matrix();
        let point =
            |down: &[f64; 3], across: &[f64; 3]| std::array::from_fn(|tap| down[tap / 3] * across[tap % 3]);
        g.iter().flat_map(|down| g.iter().map(move |across| point(down, across))).collect()
    }

    fn input_shader(self, kernel: GemmKernel, masked: bool) -> &'static Shader {
        match (self, kernel.fetches_textures(), masked) {
            (Self::F2, _, false) => &F2_INPUT,
            (Self::F2, _, true) => &F2_INPUT_MASKED,
            (Self::F4, false, false) => &F4_INPUT,
            (Self::F4, false, true) => &F4_INPUT_MASKED,
            (Self::F4, true, _) => &F4_INPUT_TEXTURE,
        }
    }

    fn output_shader(self, kernel: GemmKernel) -> &'static Shader {
        match (self, kernel.fetches_textures()) {
            (Self::F2, _) => &F2_OUTPUT,
            (Self::F4, false) => &F4_OUTPUT,
            (Self::F4, true) => &F4_OUTPUT_TEXTURE,
        }
    }

    /// Tiles across and down.
    fn tiles(self, size: Shape) -> [u32; 2] {
        [size.width, size.height].map(|side| side.div_ceil(self.outputs()))
    }

    /// Tiles that are worked on at a time, such that their values at all points fit in one tensor of `max_bytes`.
    fn band(self, kernel: GemmKernel, channels: u32, size: Shape, max_bytes: u64) -> u32 {
        let budget = if kernel.fetches_textures() { TEXTURE_BAND_BYTES } else { BAND_BYTES };
        let a_tile = u64::from(self.points().pow(2)) * u64::from(channels.div_ceil(4)) * 16;
        let [across, down] = self.tiles(size);
        // A multiple of the tile of every product kernel, unless the device's limit allows less.
        let multiple = |bytes: u64| (bytes / a_tile / 128).max(1) * 128;
        let most = multiple(budget.min(max_bytes)).min((max_bytes / a_tile).max(1));
        most.min(u64::from(across * down)) as u32
    }

    /// Values of `channels` at the points of a band of tiles, a product behind the other.
    fn values(self, channels: u32, band: u32) -> Shape {
        Shape::blocked(channels.next_multiple_of(4) * self.points().pow(2), 1, band)
    }

    /// Scratch of a convolution of features of this size.
    pub(super) fn scratch(
        self,
        kernel: GemmKernel,
        channels: [u32; 2],
        size: Shape,
        max_bytes: u64,
    ) -> ScratchSize {
        let widest = channels[0].max(channels[1]);
        // Each pass reads the channels of one side and writes those of the other.
        let values = self.values(widest, self.band(kernel, widest, size, max_bytes));
        let mut textures = source_textures(kernel, channels, size);
        if kernel.fetches_textures() {
            textures.push(TextureSize { vectors: values.vectors(), precision: values.precision });
        }
        ScratchSize { buffers: vec![values, values], textures }
    }

    /// Records one pass of a convolution, band by band.
    pub(super) fn record(self, recording: &mut Recording, pass: &Pass, label: &str) -> Result<()> {
        let kernel = pass.kernel();
        let (src, dst) = (pass.src.shape(), pass.dst.shape());
        let tiles = self.tiles(src).iter().product();
        let band = self.band(kernel, src.channels.max(dst.channels), src, pass.weights.max_tensor_bytes);
        if let Some(texture) = pass.source_texture() {
            recording.copy_to_texture(pass.src, &texture);
        }
        for first in (0..tiles).step_by(band as usize) {
            self.record_band(recording, pass, [first, band.min(tiles - first)], label)?;
        }
        Ok(())
    }

    fn record_band(
        self,
        recording: &mut Recording,
        pass: &Pass,
        [first, tiles]: [u32; 2],
        label: &str,
    ) -> Result<()> {
        let (src, dst) = (pass.src.shape(), pass.dst.shape());
        let count = self.points().pow(2);
        let values = pass.scratch.buffers[0].viewed_as(self.values(src.channels, tiles));
        let products = pass.scratch.buffers[1].viewed_as(self.values(dst.channels, tiles));
        let (source_texture, values_texture) = (pass.source_texture(), pass.scratch.textures.last());
        let features = Shape::blocked(src.channels, 1, tiles);
        // A transform touches its band of the picture, and all of the values.
        let part = f64::from(tiles) / f64::from(self.tiles(src).iter().product::<u32>());
        let moved = |image: Shape, values: Shape| part * image.bytes() as f64 + values.bytes() as f64;
        let backward = ("BACKWARD", f64::from(u8::from(pass.transposed)));
        let multiplier = pass.kernel();

        let shader = self.input_shader(multiplier, pass.mask.is_some());
        let kernel = recording.gpu().kernel(shader, &[backward])?;
        let launch = recording.launch(&kernel, label).bind("values", &values);
        let launch = match pass.mask {
            Some(mask) => launch.bind("mask", mask),
            None => launch,
        };
        let launch = match &source_texture {
            Some(texture) => launch.bind_texture("src", texture),
            None => launch.bind("src", pass.src),
        };
        let invocations = u64::from(src.channel_blocks() * tiles);
        self.place(launch, src, first, tiles).bytes(moved(src, values.shape())).elements(invocations)?;

        let positions = f64::from(tiles * self.outputs().pow(2));
        let gemm = Gemm {
            kernel: multiplier,
            taps: 1,
            count,
            features,
            out_channels: dst.channels,
            matrices: &pass.weights.matrices,
            transposed: pass.transposed,
            bias: &pass.weights.no_bias,
            src: &values,
            dst: &products,
            relu: false,
            accumulate: false,
            texture: values_texture,
            direct_flops: 18.0 * f64::from(src.channels) * f64::from(dst.channels) * positions,
        };
        gemm.record(recording, label)?;

        let overrides = [
            backward,
            ("RELU", f64::from(u8::from(pass.relu))),
            ("ACCUMULATE", f64::from(u8::from(pass.accumulate))),
        ];
        let kernel = recording.gpu().kernel(self.output_shader(multiplier), &overrides)?;
        if let Some(texture) = values_texture {
            recording.copy_to_texture(&products, texture);
        }
        let launch = recording.launch(&kernel, label).bind("bias", pass.bias()).bind("dst", pass.dst);
        let launch = match values_texture {
            Some(texture) => launch.bind_texture("src", texture),
            None => launch.bind("src", &products),
        };
        let invocations = u64::from(dst.channel_blocks() * tiles);
        self.place(launch, dst, first, tiles).bytes(moved(dst, products.shape())).elements(invocations)
    }

    /// Tells a transform which band of which picture it works on.
    fn place<'a>(self, launch: Launch<'a>, features: Shape, first: u32, tiles: u32) -> Launch<'a> {
        launch
            .set("blocks", features.channel_blocks())
            .set("height", features.height)
            .set("width", features.width)
            .set("tiles_across", self.tiles(features)[0])
            .set("first_tile", first)
            .set("tiles", tiles)
    }
}

/// The value of a filter at one of [`Transform::filter_points`].
pub(super) fn at_point(point: &[f64; 9], filter: &[f32]) -> f32 {
    point.iter().zip(filter).map(|(part, tap)| part * f64::from(*tap)).sum::<f64>() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_fits_in_one_tensor() {
        let size = Shape::blocked(512, 200, 100);
        for transform in [Transform::F2, Transform::F4] {
            for kernel in [GemmKernel::Vectors, GemmKernel::Texture] {
                let bands = [1 << 20, 4 << 20, 11 << 20, 128 << 20].map(|limit| {
                    let band = transform.band(kernel, 512, size, limit);
                    assert!(
                        transform.values(512, band).bytes() as u64 <= limit,
                        "{band} tiles in {limit} bytes"
                    );
                    band
                });
                assert!(bands.is_sorted() && bands[0] > 0 && bands[3] % 128 == 0, "{bands:?}");
            }
        }
    }

    /// What the backward pass relies on: the filter turned by half a turn is, at each point, the filter
    /// at another point, scaled. The numbers are those of BACKWARD in the shaders.
    #[test]
    fn a_turned_filter_is_the_filter_at_other_points() {
        let of_f2 = (Transform::F2, vec![3, 1, 2, 0], vec![1.0; 4]);
        let of_f4 = (Transform::F4, vec![5, 3, 4, 1, 2, 0], vec![1.0, -2.0, -2.0, -0.5, -0.5, 1.0]);
        for (transform, flip, scale) in [of_f2, of_f4] {
            let weight: Vec<f32> = [3., -1., 4., 1., -5., 9., 2., 6., -5.].to_vec();
            let turned: Vec<f32> = weight.iter().rev().copied().collect();
            let at_points = |filter: &[f32]| -> Vec<f32> {
                transform.filter_points().iter().map(|point| at_point(point, filter)).collect()
            };
            let (straight, turned) = (at_points(&weight), at_points(&turned));
            let n = transform.points() as usize;
            for (y, x) in (0..n).flat_map(|y| (0..n).map(move |x| (y, x))) {
                let want = scale[y] * scale[x] * f64::from(straight[flip[y] * n + flip[x]]);
                assert!((f64::from(turned[y * n + x]) - want).abs() < 1e-5, "{transform:?} at {y}, {x}");
            }
        }
    }
}

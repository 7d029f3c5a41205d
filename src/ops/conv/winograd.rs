//! Winograd's method: tiles of the input are transformed, a GEMM at each of their points takes them to tiles of the
//! output, and these are transformed back. See `shaders/shared/winograd_f4`.

use super::ConvPass;
use super::weights::GemmWeights;
use crate::error::Result;
use crate::gpu::{Gpu, Launch, Precision, Recording, Shader, Shape, shader};
use crate::ops::gemm::Gemm;

/// How large the bands of a layer may be. Each takes as many bytes for the transformed tiles, and again for the results of
/// the GEMMs.
#[derive(Debug, Clone, Copy)]
pub(super) struct BandLimits {
    /// Of the device: [`Gpu::band_bytes`].
    pub(super) preferred: u64,
    /// Largest tensor of the device.
    pub(super) tensor: u64,
}

impl BandLimits {
    /// Those of a device, for features stored in this precision.
    pub(super) fn of(gpu: &Gpu, precision: Precision) -> Self {
        Self { preferred: gpu.band_bytes(precision), tensor: gpu.max_tensor_bytes() }
    }
}

/// The transforms of one F(n x n, 3 x 3) in the form that a class of GEMM kernels reads.
#[derive(Debug)]
pub(in crate::ops) struct Winograd {
    size: Size,
    input: Shader,
    /// The input transform that also applies a ReLU's mask, if there is one.
    pub(super) input_masked: Option<Shader>,
    output: Shader,
    /// Invocations of the input transform that share a vec4: `PARTS` in its WGSL.
    input_parts: u32,
}

/// Which of the F(n x n, 3 x 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    F2,
    F4,
}

impl Winograd {
    /// F(2x2, 3x3) between buffers.
    pub(in crate::ops) const F2: Self = Self {
        size: Size::F2,
        input: shader!("conv/winograd_f2_input"),
        input_masked: Some(shader!("conv/winograd_f2_input_masked")),
        output: shader!("conv/winograd_f2_output"),
        input_parts: 4,
    };

    /// F(4x4, 3x3) between buffers.
    pub(in crate::ops) const F4: Self = Self {
        size: Size::F4,
        input: shader!("conv/winograd_f4_input"),
        input_masked: Some(shader!("conv/winograd_f4_input_masked")),
        output: shader!("conv/winograd_f4_output"),
        input_parts: 4,
    };

    /// F(4x4, 3x3) for GEMM kernels that read textures.
    // Checks keep the loops over a tile from being unrolled: see conv/texture.
    pub(in crate::ops) const F4_TEXTURE: Self = Self {
        size: Size::F4,
        input: shader!("conv/winograd_f4_input_vectors").without_checks(),
        input_masked: None,
        output: shader!("conv/winograd_f4_output_vectors").without_checks(),
        input_parts: 1,
    };

    /// Every kernel that it launches.
    pub(super) fn shaders(&'static self) -> Vec<&'static Shader> {
        [&self.input, &self.output].into_iter().chain(&self.input_masked).collect()
    }

    /// Outputs along the edge of a tile.
    pub(in crate::ops) fn outputs(&self) -> u32 {
        match self.size {
            Size::F2 => 2,
            Size::F4 => 4,
        }
    }

    /// Points along the edge of a tile.
    pub(super) fn points(&self) -> u32 {
        self.outputs() + 2
    }

    /// G: takes a filter's three taps to its values at the points.
    fn filter_matrix(&self) -> Vec<[f64; 3]> {
        let root = std::f64::consts::SQRT_2;
        // The value of the polynomial at x, over the product of the distances to the other points.
        let at = |x: f64, scale: f64| [1.0, x, x * x].map(|power| power / scale);
        match self.size {
            Size::F2 => vec![at(0.0, 1.0), at(1.0, 2.0), at(-1.0, 2.0), [0.0, 0.0, 1.0]],
            Size::F4 => vec![
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
    pub(super) fn filter_points(&self) -> Vec<[f64; 9]> {
        let g = self.filter_matrix();
        let point =
            |down: &[f64; 3], across: &[f64; 3]| std::array::from_fn(|tap| down[tap / 3] * across[tap % 3]);
        g.iter().flat_map(|down| g.iter().map(move |across| point(down, across))).collect()
    }

    /// Tiles across and down.
    fn tiles(&self, size: Shape) -> [u32; 2] {
        [size.width, size.height].map(|side| side.div_ceil(self.outputs()))
    }

    /// Tiles that are worked on at a time, such that their values at all points fit in one tensor. Bands are of nearly one
    /// size: a short last one would leave a part of the device idle, and the others take more memory.
    pub(super) fn band(&self, channels: u32, size: Shape, limits: BandLimits) -> u32 {
        let a_tile = u64::from(self.points().pow(2)) * u64::from(channels.div_ceil(4)) * 16;
        let tiles = self.tiles(size).map(u64::from).iter().product::<u64>();
        // A multiple of the tile of every GEMM kernel, unless the device's limit allows less.
        let multiple = |bytes: u64| (bytes / a_tile / 128).max(1) * 128;
        let most = multiple(limits.preferred.min(limits.tensor)).min((limits.tensor / a_tile).max(1));
        let even = tiles.div_ceil(tiles.div_ceil(most)).next_multiple_of(128);
        even.min(most).min(tiles) as u32
    }

    /// Values of `channels` at the points of a band of tiles, the operand of one GEMM behind the other.
    pub(super) fn values(&self, channels: u32, band: u32) -> Shape {
        Shape::blocked(channels.next_multiple_of(4) * self.points().pow(2), 1, band)
    }

    /// Records one pass of a convolution, band by band, with `gemm` between the transforms.
    pub(super) fn record(
        &self,
        recording: &mut Recording,
        pass: &ConvPass,
        gemm: &GemmWeights,
        label: &str,
    ) -> Result<()> {
        let (src, dst) = (pass.src.shape(), pass.dst.shape());
        let tiles = self.tiles(src).iter().product();
        let band = self.band(src.channels.max(dst.channels), src, pass.layer.band_limits);
        for first in (0..tiles).step_by(band as usize) {
            self.record_band(recording, pass, gemm, [first, band.min(tiles - first)], label)?;
        }
        Ok(())
    }

    fn record_band(
        &self,
        recording: &mut Recording,
        pass: &ConvPass,
        gemm: &GemmWeights,
        [first, tiles]: [u32; 2],
        label: &str,
    ) -> Result<()> {
        let (src, dst) = (pass.src.shape(), pass.dst.shape());
        let count = self.points().pow(2);
        let values = pass.scratch.buffers[0].viewed_as(self.values(src.channels, tiles));
        let results = pass.scratch.buffers[1].viewed_as(self.values(dst.channels, tiles));
        let features = Shape::blocked(src.channels, 1, tiles);
        // A transform touches its band of the image, and all of the values.
        let part = f64::from(tiles) / f64::from(self.tiles(src).iter().product::<u32>());
        let moved = |image: Shape, values: Shape| part * image.bytes() as f64 + values.bytes() as f64;
        let backward = ("BACKWARD", f64::from(u8::from(pass.transposed)));

        let shader = self.input_masked.as_ref().filter(|_| pass.mask.is_some()).unwrap_or(&self.input);
        let kernel = recording.gpu().kernel(shader, &[backward])?;
        let launch = recording.launch(&kernel, label).bind("values", &values);
        let launch = match pass.mask {
            Some(mask) => launch.bind("mask", mask),
            None => launch,
        };
        let launch = launch.bind("src", pass.src);
        let invocations = u64::from(src.channel_blocks() * tiles * self.input_parts);
        self.place(launch, src, first, tiles).bytes(moved(src, values.shape())).elements(invocations)?;

        let positions = f64::from(tiles * self.outputs().pow(2));
        let texture = pass.texture_for(values.shape());
        let product = Gemm {
            kernel: gemm.kernel,
            taps: 1,
            count,
            features,
            out_channels: dst.channels,
            matrices: &gemm.matrices,
            transposed: pass.transposed,
            bias: &pass.layer.no_bias,
            src: &values,
            dst: &results,
            relu: false,
            accumulate: false,
            // The transforms read buffers, whatever the GEMM reads.
            texture: texture.as_ref(),
            direct_flops: 18.0 * f64::from(src.channels) * f64::from(dst.channels) * positions,
        };
        product.record(recording, label)?;

        let overrides = [
            backward,
            ("RELU", f64::from(u8::from(pass.relu))),
            ("ACCUMULATE", f64::from(u8::from(pass.accumulate))),
        ];
        let kernel = recording.gpu().kernel(&self.output, &overrides)?;
        let launch = recording.launch(&kernel, label).bind("bias", pass.bias).bind("dst", pass.dst);
        let launch = launch.bind("src", &results);
        let invocations = u64::from(dst.channel_blocks() * tiles);
        self.place(launch, dst, first, tiles).bytes(moved(dst, results.shape())).elements(invocations)
    }

    /// Sets which band of which image a transform works on.
    fn place<'a>(&self, launch: Launch<'a>, features: Shape, first: u32, tiles: u32) -> Launch<'a> {
        launch
            .set("blocks", features.channel_blocks())
            .set("height", features.height)
            .set("width", features.width)
            .set("tiles_across", self.tiles(features)[0])
            .set("first_tile", first)
            .set("tiles", tiles)
    }
}

/// The value of a filter at one of [`Winograd::filter_points`].
pub(super) fn at_point(point: &[f64; 9], filter: &[f32]) -> f32 {
    point.iter().zip(filter).map(|(part, tap)| part * f64::from(*tap)).sum::<f64>() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_fits_in_one_tensor() {
        let size = Shape::blocked(512, 200, 100);
        for winograd in [Winograd::F2, Winograd::F4, Winograd::F4_TEXTURE] {
            let bands = [1 << 20, 4 << 20, 11 << 20, 64 << 20].map(|tensor| {
                let band = winograd.band(512, size, BandLimits { preferred: 32 << 20, tensor });
                assert!(winograd.values(512, band).bytes() <= tensor, "{band} tiles in {tensor} bytes");
                band
            });
            assert!(bands.is_sorted() && bands[0] > 0 && bands[3] % 128 == 0, "{bands:?}");
        }
    }

    /// At 512 x 512 the widest layer is two equal bands on a large GPU, and all others are one.
    #[test]
    fn bands_are_of_one_size() {
        let limits = BandLimits { preferred: 128 << 20, tensor: 1 << 30 };
        let band = |channels, side| Winograd::F4.band(channels, Shape::blocked(channels, side, side), limits);
        assert_eq!([band(64, 512), band(128, 256), band(256, 128)], [8192, 4096, 1024]);
        let two_and_a_bit = BandLimits { preferred: (128 << 20) * 7 / 16, ..limits };
        assert_eq!(Winograd::F4.band(64, Shape::blocked(64, 512, 512), two_and_a_bit), 5504);
    }

    /// What the backward pass relies on: the filter turned by half a turn is, at each point, the filter
    /// at another point, scaled. The numbers are those of BACKWARD in the shaders.
    #[test]
    fn a_turned_filter_is_the_filter_at_other_points() {
        let of_f2 = (Winograd::F2, vec![3, 1, 2, 0], vec![1.0; 4]);
        let of_f4 = (Winograd::F4, vec![5, 3, 4, 1, 2, 0], vec![1.0, -2.0, -2.0, -0.5, -0.5, 1.0]);
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
                assert!(
                    (f64::from(turned[y * n + x]) - want).abs() < 1e-5,
                    "{:?} at {y}, {x}",
                    transform.size
                );
            }
        }
    }
}

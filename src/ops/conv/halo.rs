//! Convolution on matrix units, from halos in workgroup memory: see `shaders/shared/halo`.

use half::f16;
use rayon::prelude::*;

use super::ConvPass;
use crate::error::Result;
use crate::gpu::{Recording, Shader, Tensor};
use crate::ops::gemm::{Gemm, GemmKernel};
use crate::ops::largest::{record_largest, record_mask_largest};
use crate::ops::variants::{Needs, Subgroups};

/// Positions and output channels of a workgroup's tile, and the channels of a matrix.
const TILE: [u32; 2] = [16, 8];
const TILE_CHANNELS: usize = 64;
const K: usize = 16;
const TAPS: u32 = 9;

/// A kernel that multiplies halos with weights on matrix units.
#[derive(Debug)]
pub(in crate::ops) struct HaloKernel {
    shader: Shader,
    split: Split,
    /// For 1x1 filters, which have no halo.
    pub(super) plain: &'static GemmKernel,
}

/// How many f16 a number is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ops) enum Split {
    /// One: it is rounded to 11 bits.
    Rounded,
    /// Two, which together hold 22 bits.
    HiLo,
}

impl HaloKernel {
    /// What it needs of a device. Its four subgroups share a tile.
    pub(super) const NEEDS: Needs = Needs { subgroups: Subgroups::Exactly(32), matrix_units: true };

    /// A kernel whose inputs and weights are rounded or split in this way.
    pub(in crate::ops) const fn new(shader: Shader, split: Split, plain: &'static GemmKernel) -> Self {
        Self { shader, split, plain }
    }

    pub(super) fn shader(&'static self) -> &'static Shader {
        &self.shader
    }

    /// f16 for each weight.
    pub(super) fn parts(&self) -> usize {
        match self.split {
            Split::Rounded => 1,
            Split::HiLo => 2,
        }
    }
}

/// Packs `weight`, `[out][in][taps]`, for the forward pass, or transposed and its taps in reverse for the backward pass, as
/// f16 in `[part][tap][in / 16][out to a multiple of 64][16]`, in and out being those of the pass. The exponent of the power
/// of two that undoes their scale comes after it, with zeros up to a vector.
pub(super) fn pack_halves(
    weight: &[f32],
    [outs, ins]: [usize; 2],
    parts: usize,
    transposed: bool,
) -> Vec<f32> {
    let taps = weight.len() / (outs * ins);
    let exponent = scale_exponent(weight);
    let scale = f32::powi(2.0, exponent);
    let [columns, rows] = if transposed { [ins, outs] } else { [outs, ins] };
    let padded = columns.next_multiple_of(TILE_CHANNELS);
    let a_tap = rows.next_multiple_of(K) * padded;
    let element = |tap: usize, at: usize| {
        let (column, row) = (at / K % padded, at / (padded * K) * K + at % K);
        if row >= rows || column >= columns {
            return 0.0;
        }
        let filter = if transposed { row * ins + column } else { column * ins + row };
        let tap = if transposed { taps - 1 - tap } else { tap };
        scale * weight[filter * taps + tap]
    };
    let mut numbers = vec![0.0; parts * taps * a_tap + 4];
    let (hi, rest) = numbers.split_at_mut(taps * a_tap);
    hi.par_chunks_mut(a_tap).enumerate().for_each(|(tap, hi)| {
        hi.iter_mut().enumerate().for_each(|(at, hi)| *hi = f16::from_f32(element(tap, at)).to_f32());
    });
    let (lo, end) = rest.split_at_mut((parts - 1) * taps * a_tap);
    lo.par_chunks_mut(a_tap).zip(hi.par_chunks(a_tap)).enumerate().for_each(|(tap, (lo, hi))| {
        lo.iter_mut().zip(hi).enumerate().for_each(|(at, (lo, hi))| *lo = element(tap, at) - hi);
    });
    end[0] = -exponent as f32;
    numbers
}

/// The exponent of the power of two that takes the largest magnitude to between 2^14 and 2^15, as in
/// `shaders/shared/scale`; 0 if all are zero.
pub(super) fn scale_exponent(numbers: &[f32]) -> i32 {
    let largest = numbers.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
    let exponent = (largest.to_bits() >> 23) as i32 - 127;
    if largest > 0.0 { (14 - exponent).min(126) } else { 0 }
}

impl HaloKernel {
    /// Records one pass of a convolution with 3x3 filters. Before it inputs are masked, if they are to be, and the largest
    /// is searched for.
    pub(super) fn record(
        &self,
        recording: &mut Recording,
        pass: &ConvPass,
        weights: &Tensor,
        label: &str,
    ) -> Result<()> {
        let largest = &pass.scratch.buffers[0];
        match pass.mask {
            Some(output) => record_mask_largest(recording, label, output, pass.src, largest)?,
            None => record_largest(recording, label, pass.src, largest)?,
        }
        let (features, out_channels) = (pass.src.shape(), pass.dst.shape().channels);
        let flag = |on: bool| f64::from(u8::from(on));
        let overrides = [("RELU", flag(pass.relu)), ("ACCUMULATE", flag(pass.accumulate))];
        let flops = Gemm::flops(TAPS, 1, features, out_channels);
        let kernel = recording.gpu().kernel(&self.shader, &overrides)?;
        recording
            .launch(&kernel, label)
            .bind("src", pass.src)
            .bind("weights", weights)
            .bind("bias", pass.bias)
            .bind("largest", largest)
            .bind("dst", pass.dst)
            .set("in_channels", features.channels)
            .set("out_channels", out_channels)
            .set("height", features.height)
            .set("width", features.width)
            .flops(flops, flops)
            .groups([
                features.width.div_ceil(TILE[0]),
                features.height.div_ceil(TILE[1]),
                out_channels.div_ceil(TILE_CHANNELS as u32),
            ])
    }
}

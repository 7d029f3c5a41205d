//! A device's rates, measured once before a tuning: how much work a timed run needs, and which candidates are too slow
//! by counts alone to be timed.

use web_time::Instant;

use super::trial;
use crate::error::Result;
use crate::gpu::{Gpu, Recording, Shape, Use};
use crate::ops::variants::{Pass, TunedOp, Variant};

/// A candidate is not timed if a simple roofline predicts so many times the seconds of another one for both passes.
/// Kernels reach between a third and all of a roof, so that less says nothing.
const RULED_OUT: f64 = 3.0;

/// Operations for each byte that any device can do: a measured rate below is that of a machine busy with other work.
const LEAST_BALANCE: f64 = 5.0;

/// Seconds of a timed run on a GPU, and bounds of its floating-point operations: a layer has to fill the device.
const GPU_RUN: f64 = 5e-4;
const GPU_FLOPS: [f64; 2] = [1e9, 2e10];
/// Floating-point operations of a timed run on a driver on the CPU: some milliseconds.
const CPU_FLOPS: f64 = 3e8;

/// Numbers that are copied for the rate of the memory.
const COPIED: u32 = 8 << 20;

/// What a device does in a second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    /// Floating-point operations of a direct convolution in f32.
    flops: f64,
    /// Bytes of a copy, read and written.
    bytes: f64,
    is_software: bool,
}

impl Rates {
    /// Measures with a small convolution by the last candidate that is direct and does not round, and a copy.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device fails.
    pub(super) fn measure(gpu: &Gpu, trusted: &[&'static Variant]) -> Result<Self> {
        let plain = |variant: &&&'static Variant| {
            let has_transform = variant.has_transform(Pass::Forward);
            variant.op() == TunedOp::Conv3x3 && !has_transform && !variant.uses_matrix_units()
        };
        let variant = trusted.iter().rfind(plain).copied().unwrap_or(TunedOp::Conv3x3.naive());
        let features = Shape::blocked(64, 64, 128);
        let times = trial::times(gpu, &[variant], &[], features, 64)?;
        let seconds = times.iter().map(|times| times.fastest(Pass::Forward)).fold(f64::INFINITY, f64::min);
        let [flops, _] = work(variant, Pass::Forward, features, 64);
        let is_software = gpu.adapter().is_software();
        Ok(Self { flops: flops / seconds, bytes: copied_a_second(gpu)?, is_software })
    }

    /// Floating-point operations of a timed run.
    pub(super) fn budget(&self) -> f64 {
        match self.is_software {
            true => CPU_FLOPS,
            false => (GPU_RUN * self.flops).clamp(GPU_FLOPS[0], GPU_FLOPS[1]),
        }
    }

    /// Whether a variant is too slow by counts beside others that are as accurate. What matrix units do in a second is
    /// not known, so that nothing is said of a variant that uses them, nor of others because of it.
    pub(super) fn rule_out(
        &self,
        variant: &'static Variant,
        candidates: &[&'static Variant],
        features: Shape,
        out_channels: u32,
    ) -> bool {
        let by_counts = |variant: &&&'static Variant| !variant.uses_matrix_units();
        let is_slow = |pass| {
            let seconds = |variant| self.predicted(work(variant, pass, features, out_channels));
            let others = candidates.iter().filter(by_counts).map(|other| seconds(other));
            seconds(variant) > RULED_OUT * others.fold(f64::INFINITY, f64::min)
        };
        by_counts(&&variant) && Pass::ALL.into_iter().all(is_slow)
    }

    /// Seconds, as if arithmetic and memory were never busy at once.
    fn predicted(&self, [flops, bytes]: [f64; 2]) -> f64 {
        flops / self.flops + bytes / self.bytes.min(self.flops / LEAST_BALANCE)
    }
}

/// Floating-point operations and bytes of a pass of a convolution in f32, weights not counted: `p` positions, and for
/// Winograd's F(n x n) `q = ((n + 2) / n)^2` points for each, whose values are written and read on both sides of the
/// GEMM. Of a Gram matrix, whose variants differ in neither, nothing.
fn work(variant: &Variant, pass: Pass, features: Shape, out_channels: u32) -> [f64; 2] {
    if variant.op() != TunedOp::Conv3x3 {
        return [0.0; 2];
    }
    let [ins, outs, p] = [features.channels, out_channels, features.positions()].map(f64::from);
    let products = 2.0 * ins * outs * p;
    match variant.tile_outputs(pass).map(f64::from) {
        None => [9.0 * products, 4.0 * (ins + outs) * p],
        Some(n) => {
            let q = ((n + 2.0) / n).powi(2);
            [q * products, 4.0 * (ins + outs) * p * (1.0 + 2.0 * q)]
        }
    }
}

/// Bytes that a copy reads and writes in a second.
fn copied_a_second(gpu: &Gpu) -> Result<f64> {
    let shape = Shape::planar(1, 1, COPIED.min((gpu.max_tensor_bytes() / 4) as u32));
    let [from, to] = [0, 1].map(|_| gpu.tensor(shape, Use::Scratch, "trial"));
    let mut recording = Recording::new(gpu);
    recording.copy(&from?, &to?);
    let mut fastest = f64::INFINITY;
    for repetitions in [1, 2, 4, 8] {
        let start = Instant::now();
        gpu.submit(&vec![&recording; repetitions])?;
        gpu.wait()?;
        fastest = fastest.min(start.elapsed().as_secs_f64() / repetitions as f64);
    }
    Ok(2.0 * shape.bytes() as f64 / fastest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruled_out(flops: f64, bytes: f64, channels: u32) -> Vec<&'static str> {
        let rates = Rates { flops, bytes, is_software: false };
        let names = ["registers", "taps_inner", "winograd_f2", "winograd_f4", "cooperative"];
        let all = names.map(|name| TunedOp::Conv3x3.variant(name).unwrap());
        let features = Shape::blocked(channels, 64, 64);
        let is_out = |variant: &&'static Variant| rates.rule_out(variant, &all, features, channels);
        all.into_iter().filter(is_out).map(|variant| variant.name).collect()
    }

    /// Direct convolution does four times the arithmetic of F(4x4), and moves a fifth of the bytes.
    #[test]
    fn direct_convolution_is_ruled_out_where_arithmetic_decides() {
        assert_eq!(ruled_out(6e10, 1e10, 512), ["registers", "taps_inner"]);
        assert_eq!(ruled_out(6e10, 1e10, 64), [""; 0]);
        assert_eq!(ruled_out(6e13, 4e12, 512), ["registers", "taps_inner"]);
        // A machine that is busy seems to have slow arithmetic.
        assert_eq!(ruled_out(1e9, 1e10, 128), [""; 0]);
        // Little memory bandwidth: the transforms may take longer than they save.
        assert_eq!(ruled_out(8e13, 1e12, 512), [""; 0]);
        // Winograd's method is ruled out where memory decides.
        assert_eq!(ruled_out(1e15, 1e12, 64), ["winograd_f2", "winograd_f4"]);
    }

    #[test]
    fn a_run_takes_part_of_a_millisecond() {
        let budget = |flops, is_software| Rates { flops, bytes: 1e12, is_software }.budget();
        assert_eq!(budget(1e13, false), 5e9);
        assert_eq!([budget(1e11, false), budget(1e15, false)], GPU_FLOPS);
        assert_eq!(budget(1e13, true), CPU_FLOPS);
    }
}

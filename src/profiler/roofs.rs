//! The roofs of a device (Williams, Waterman & Patterson 2009, "Roofline"): its highest rates of arithmetic and of
//! memory traffic, as measured.

use serde::{Deserialize, Serialize};

use super::KernelLine;
use crate::error::Result;
use crate::gpu::{Gpu, Recording, Shader, Shape, Tensor, Use, Work, shader};

pub(super) const SHADERS: [Shader; 3] = [FMA, COPY, MATRIX];
const FMA: Shader = shader!("roofline/fma");
const COPY: Shader = shader!("roofline/copy");
const MATRIX: Shader = shader!("roofline/matrix");

/// The highest rates of a device. A kernel takes at least the time of its operations at the one rate, and of its
/// bytes at the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Roofs {
    /// 10^9 floating-point operations per second, in f32; a multiply-add is two.
    pub gflops: f64,
    /// 10^9 bytes per second, reads and writes together.
    pub gbytes: f64,
    /// 10^9 operations per second of the matrix units, with inputs in f16 and sums in f32; `None` for a device without.
    pub matrix_gflops: Option<f64>,
}

/// The roof that limits a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Arithmetic.
    Compute,
    /// Arithmetic of the matrix units.
    Matrices,
    /// Memory.
    Memory,
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Bound::Compute => "compute",
            Bound::Matrices => "matrices",
            Bound::Memory => "memory",
        })
    }
}

/// How close a kernel is to its roof.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OfRoof {
    /// The least time that the roofs allow, over the time taken. Above 1 if the data is in a cache, because the roof
    /// of memory is that of large copies.
    pub part: f64,
    /// The roof that limits the work.
    pub bound: Bound,
}

/// Invocations of the FMA loop: enough for the largest GPU, within one dimension of the grid.
const FMA_INVOCATIONS: u32 = 1 << 18;
/// Multiply-adds of an invocation per round of the loop.
const FMA_IN_A_ROUND: u32 = 16 * 12;
/// Workgroups of the products of matrices: several for each core of the largest GPU.
const MATRIX_WORKGROUPS: u32 = 1024;
/// What a workgroup of them does in a round: four subgroups, each of which multiplies sixteen pairs of matrices.
const MATRIX_FLOPS_IN_A_ROUND: f64 = 4.0 * 16.0 * 2.0 * 16.0 * 16.0 * 16.0;
/// Numbers that it writes: the sums of each pair.
const MATRIX_SUMS: u32 = 4 * 16 * 16 * 16;
/// Most seconds of a run of the loop, roughly: drivers reset devices that are busy for seconds.
const LONGEST: f64 = 0.02;
/// Seconds to spend on each roof.
const BUDGET: f64 = 0.1;
/// Bytes of each side of the copy, if the adapter allows: more than caches hold.
const COPY_BYTES: u64 = 128 << 20;

impl Roofs {
    /// Measures each roof with about 100 ms of work besides compiling: an FMA loop, the faster of a copying kernel and the
    /// driver's own copy, and a loop of products of matrices where the device has units for them.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed or has too little memory.
    pub fn measure(gpu: &Gpu) -> Result<Self> {
        let matrices = gpu.multiplies_matrices().then(|| best_products(gpu)).transpose()?;
        Ok(Self {
            gflops: best_arithmetic(gpu)? * 1e-9,
            gbytes: best_copy(gpu)? * 1e-9,
            matrix_gflops: matrices.map(|flops| flops * 1e-9),
        })
    }

    /// Measures again and keeps the higher rates, because other programs can only lower them. Keeps these if the
    /// device has no memory left for measuring.
    pub fn measured_again(self, gpu: &Gpu) -> Self {
        let again = Self::measure(gpu).unwrap_or(self);
        let matrices = self.matrix_gflops.into_iter().chain(again.matrix_gflops).reduce(f64::max);
        Self {
            gflops: self.gflops.max(again.gflops),
            gbytes: self.gbytes.max(again.gbytes),
            matrix_gflops: matrices,
        }
    }

    /// How close kernels that took `seconds` together are to their roof; `None` without operations and bytes, or without
    /// time. Operations count by the roof of the unit that does them.
    pub fn part<'a>(
        &self,
        kernels: impl IntoIterator<Item = &'a KernelLine>,
        seconds: f64,
    ) -> Option<OfRoof> {
        let (mut computing, mut multiplying, mut moving) = (0.0, 0.0, 0.0);
        for kernel in kernels {
            match self.matrix_gflops.filter(|_| kernel.on_matrix_units) {
                Some(roof) => multiplying += kernel.flops / (roof * 1e9),
                None => computing += kernel.flops / (self.gflops * 1e9),
            }
            moving += kernel.bytes / (self.gbytes * 1e9);
        }
        let arithmetic: f64 = computing + multiplying;
        let least = arithmetic.max(moving);
        let bound = match () {
            () if arithmetic <= moving => Bound::Memory,
            () if multiplying > computing => Bound::Matrices,
            () => Bound::Compute,
        };
        (least > 0.0 && seconds > 0.0).then(|| OfRoof { part: least / seconds, bound })
    }

    /// The highest roof of arithmetic.
    pub fn highest_gflops(&self) -> f64 {
        self.matrix_gflops.map_or(self.gflops, |matrices| matrices.max(self.gflops))
    }

    /// The ridge point: operations per byte at which the two roofs meet.
    pub fn ridge(&self) -> f64 {
        self.gflops / self.gbytes
    }
}

/// Operations per second of the fastest run, once the loop is long enough to be measured.
fn best_arithmetic(gpu: &Gpu) -> Result<f64> {
    let shape = Shape::blocked(1, 1, FMA_INVOCATIONS);
    let dst = gpu.tensor(shape, Use::Scratch, "roof of arithmetic")?;
    let kernel = gpu.kernel(&FMA, &[])?;
    let record = |rounds: u32| -> Result<Recording> {
        let mut recording = Recording::new(gpu);
        let operations = 2.0 * f64::from(FMA_IN_A_ROUND) * f64::from(FMA_INVOCATIONS) * f64::from(rounds);
        let launch = recording.launch(&kernel, "arithmetic").bind("dst", &dst);
        let launch = launch.set("rounds", rounds).set("a", 0.5f32).set("b", 1.0f32);
        launch.flops(operations, operations).groups([FMA_INVOCATIONS / 64, 1, 1])?;
        Ok(recording)
    };
    best(gpu, &long_enough(gpu, record)?, |work| work.flops)
}

/// Operations per second of the matrix units.
fn best_products(gpu: &Gpu) -> Result<f64> {
    let sums = matrix_sums(gpu, MATRIX_WORKGROUPS)?;
    let record = |rounds| matrix_products(gpu, &sums, rounds);
    best(gpu, &long_enough(gpu, record)?, |work| work.flops)
}

/// Where [`matrix_products`] of this many workgroups go.
fn matrix_sums(gpu: &Gpu, workgroups: u32) -> Result<Tensor> {
    gpu.tensor(Shape::planar(1, 1, workgroups * MATRIX_SUMS), Use::Scratch, "roof of matrices")
}

/// The loop that measures the roof of the matrix units, this many rounds long: as many workgroups as `sums` has room for, at
/// 16384 numbers each.
///
/// # Errors
/// [`Error::Gpu`](crate::Error::Gpu) on a device without matrix units.
pub fn matrix_products(gpu: &Gpu, sums: &Tensor, rounds: u32) -> Result<Recording> {
    let workgroups = sums.shape().len() as u32 / MATRIX_SUMS;
    let mut recording = Recording::new(gpu);
    let flops = MATRIX_FLOPS_IN_A_ROUND * f64::from(workgroups) * f64::from(rounds);
    let kernel = gpu.kernel(&MATRIX, &[])?;
    let launch = recording.launch(&kernel, "matrices").bind("dst", sums).set("rounds", rounds);
    launch.flops(flops, flops).groups([workgroups, 1, 1])?;
    Ok(recording)
}

/// The recording of a loop with so many rounds that it takes a time that can be measured.
fn long_enough(gpu: &Gpu, record: impl Fn(u32) -> Result<Recording>) -> Result<Recording> {
    let mut rounds = 1;
    let mut recording = record(rounds)?;
    gpu.timed(&[&recording])?;
    loop {
        let seconds: f64 = gpu.timed(&[&recording])?.iter().map(|timing| timing.seconds).sum();
        if seconds > LONGEST / 4.0 || rounds > 1 << 20 {
            return Ok(recording);
        }
        let longer = (LONGEST / 2.0 / seconds.max(1e-6)).clamp(2.0, 16.0);
        rounds = (f64::from(rounds) * longer) as u32;
        recording = record(rounds)?;
    }
}

/// Bytes per second of the fastest copy.
fn best_copy(gpu: &Gpu) -> Result<f64> {
    let bytes = COPY_BYTES.min(gpu.max_tensor_bytes());
    let shape = Shape::blocked(1, 1, (bytes / 16) as u32);
    let zeros = gpu.tensor(shape, Use::Scratch, "roof of memory")?;
    let dst = gpu.tensor(shape, Use::Scratch, "roof of memory")?;
    let kernel = gpu.kernel(&COPY, &[])?;
    let mut copies = Recording::new(gpu);
    copies.launch(&kernel, "memory").bind("src", &zeros).bind("dst", &dst).elements(shape.vectors() / 4)?;
    copies.copy(&zeros, &dst);
    gpu.timed(&[&copies])?;
    best(gpu, &copies, |work| work.bytes)
}

/// The highest rate of any of the commands, in units per second, over as many runs as the budget allows, and at
/// least three.
fn best(gpu: &Gpu, recording: &Recording, amount: impl Fn(&Work) -> f64) -> Result<f64> {
    let (mut best, mut spent, mut runs) = (0.0f64, 0.0, 0);
    while runs < 3 || spent < BUDGET {
        for timing in gpu.timed(&[recording])? {
            best = best.max(amount(&timing.work) / timing.seconds.max(1e-9));
            spent += timing.seconds.max(1e-4);
        }
        runs += 1;
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::PassKind;
    use crate::profiler::Spread;

    const ROOFS: Roofs = Roofs { gflops: 100.0, gbytes: 10.0, matrix_gflops: Some(1000.0) };

    fn kernel(flops: f64, bytes: f64, on_matrix_units: bool) -> KernelLine {
        KernelLine {
            pass: PassKind::Forward,
            layer: "conv1_1".into(),
            kernel: "conv/2_tiled".into(),
            launches: 1,
            workgroups: 1,
            on_matrix_units,
            flops,
            direct_flops: flops,
            bytes,
            seconds: Spread::default(),
            share: 1.0,
        }
    }

    #[test]
    fn the_lower_roof_binds() {
        assert_eq!(ROOFS.ridge(), 10.0);
        let part = |flops, bytes, seconds| ROOFS.part([&kernel(flops, bytes, false)], seconds);
        assert_eq!(part(50e9, 1e9, 1.0), Some(OfRoof { part: 0.5, bound: Bound::Compute }));
        assert_eq!(part(1e9, 5e9, 1.0), Some(OfRoof { part: 0.5, bound: Bound::Memory }));
        assert_eq!(part(0.0, 0.0, 1.0), None);
        assert_eq!(part(1.0, 1.0, 0.0), None);
    }

    /// Each kernel counts by the unit that it uses, alone and beside others.
    #[test]
    fn matrix_units_have_a_roof_of_their_own() {
        let product = kernel(500e9, 1e9, true);
        assert_eq!(ROOFS.part([&product], 1.0), Some(OfRoof { part: 0.5, bound: Bound::Matrices }));
        let beside = kernel(20e9, 1e9, false);
        let both = ROOFS.part([&product, &beside], 1.0).unwrap();
        assert!((both.part - 0.7).abs() < 1e-12 && both.bound == Bound::Matrices, "{both:?}");
        // In a record without that roof the only one of arithmetic holds.
        let plain = Roofs { matrix_gflops: None, ..ROOFS };
        assert_eq!(plain.part([&product], 1.0), Some(OfRoof { part: 5.0, bound: Bound::Compute }));
        assert_eq!((ROOFS.highest_gflops(), plain.highest_gflops()), (1000.0, 100.0));
    }
}

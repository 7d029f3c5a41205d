//! The roofs of a device (Williams, Waterman & Patterson 2009, "Roofline"): its highest rates of arithmetic and of
//! memory traffic, as measured.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::gpu::{Gpu, Recording, Shader, Shape, Use, Work, shader};

pub(super) const SHADERS: [Shader; 2] = [FMA, COPY];
const FMA: Shader = shader!("roofline/fma");
const COPY: Shader = shader!("roofline/copy");

/// The highest rates of a device. A kernel takes at least the time of its operations at the one rate, and of its
/// bytes at the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Roofs {
    /// 10^9 floating-point operations per second, in f32; a multiply-add is two.
    pub gflops: f64,
    /// 10^9 bytes per second, reads and writes together.
    pub gbytes: f64,
}

/// The roof that limits a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Arithmetic.
    Compute,
    /// Memory.
    Memory,
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Bound::Compute => "compute",
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
/// Most seconds of a run of the loop, roughly: drivers reset devices that are busy for seconds.
const LONGEST: f64 = 0.02;
/// Seconds to spend on each roof.
const BUDGET: f64 = 0.1;
/// Bytes of each side of the copy, if the adapter allows: more than caches hold.
const COPY_BYTES: u64 = 128 << 20;

impl Roofs {
    /// Measures both roofs with about 200 ms of work besides compiling: an FMA loop, and the faster of a copying
    /// kernel and the driver's own copy.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed or has too little memory.
    pub fn measure(gpu: &Gpu) -> Result<Self> {
        Ok(Self { gflops: best_arithmetic(gpu)? * 1e-9, gbytes: best_copy(gpu)? * 1e-9 })
    }

    /// Measures again and keeps the higher rates, because other programs can only lower them. Keeps these if the
    /// device has no memory left for measuring.
    pub fn measured_again(self, gpu: &Gpu) -> Self {
        let again = Self::measure(gpu).unwrap_or(self);
        Self { gflops: self.gflops.max(again.gflops), gbytes: self.gbytes.max(again.gbytes) }
    }

    /// How close work that took `seconds` is to its roof; `None` for work without operations and bytes, or without
    /// time.
    pub fn part(&self, work: &Work, seconds: f64) -> Option<OfRoof> {
        let computing = work.flops / (self.gflops * 1e9);
        let moving = work.bytes / (self.gbytes * 1e9);
        let least = computing.max(moving);
        let bound = if computing > moving { Bound::Compute } else { Bound::Memory };
        (least > 0.0 && seconds > 0.0).then(|| OfRoof { part: least / seconds, bound })
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
    let mut rounds = 1;
    let mut recording = record(rounds)?;
    gpu.timed(&[&recording])?;
    loop {
        let seconds: f64 = gpu.timed(&[&recording])?.iter().map(|timing| timing.seconds).sum();
        if seconds > LONGEST / 4.0 || rounds > 1 << 20 {
            break;
        }
        let longer = (LONGEST / 2.0 / seconds.max(1e-6)).clamp(2.0, 16.0);
        rounds = (f64::from(rounds) * longer) as u32;
        recording = record(rounds)?;
    }
    best(gpu, &recording, |work| work.flops)
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

    #[test]
    fn the_lower_roof_binds() {
        let roofs = Roofs { gflops: 100.0, gbytes: 10.0 };
        assert_eq!(roofs.ridge(), 10.0);
        let work = |flops, bytes| Work { flops, direct_flops: flops, bytes };
        let heavy = roofs.part(&work(50e9, 1e9), 1.0).unwrap();
        assert_eq!(heavy, OfRoof { part: 0.5, bound: Bound::Compute });
        let light = roofs.part(&work(1e9, 5e9), 1.0).unwrap();
        assert_eq!(light, OfRoof { part: 0.5, bound: Bound::Memory });
        assert_eq!(roofs.part(&work(0.0, 0.0), 1.0), None);
        assert_eq!(roofs.part(&work(1.0, 1.0), 0.0), None);
    }
}

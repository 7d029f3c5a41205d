//! Timing of a rung.

use web_time::Instant;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::gpu::{Gpu, Recording, Timing};
use crate::ops::variants::Pass;
use crate::profiler::{KernelLine, OfRoof, Roofs, Spread, lines};

/// Seconds of warming up, unless the time budget is lower: an idle GPU has low clocks.
const WARM_UP: f64 = 0.2;
/// Runs that are timed, at least, and of a rung that takes more than [`SLOW`] seconds.
const LEAST: usize = 3;
const LEAST_OF_SLOW: usize = 1;
const SLOW: f64 = 2.0;
/// Maximum number of timed runs.
const MOST: usize = 1000;

/// The forward or the backward pass of a rung: all of its kernels and copies together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassTiming {
    /// Which pass.
    pub pass: Pass,
    /// Seconds of a run.
    pub seconds: Spread,
    /// Runs that were timed.
    pub runs: usize,
    /// Floating-point operations done.
    pub flops: f64,
    /// Operations that the definition needs for the same result.
    pub direct_flops: f64,
    /// Least number of bytes moved.
    pub bytes: f64,
    /// Its speed as a fraction of its roof; set when a [`Record`](super::Record) is made.
    pub of_roof: Option<OfRoof>,
    /// Speed relative to the first rung, where there are several rungs.
    pub speedup: Option<f64>,
    /// Kernel by kernel.
    pub kernels: Vec<KernelLine>,
}

impl PassTiming {
    /// 10^9 operations a second.
    pub fn gflops(&self) -> f64 {
        self.rate(self.flops)
    }

    /// 10^9 operations of the definition a second.
    pub fn direct_gflops(&self) -> f64 {
        self.rate(self.direct_flops)
    }

    /// 10^9 bytes a second.
    pub fn gbytes(&self) -> f64 {
        self.rate(self.bytes)
    }

    /// Compares it with these roofs.
    pub(super) fn put_under(&mut self, roofs: &Roofs) {
        self.of_roof = roofs.part(&self.kernels, self.seconds.median);
    }

    fn rate(&self, amount: f64) -> f64 {
        amount / self.seconds.median.max(1e-12) * 1e-9
    }

    fn of(pass: Pass, runs: &[Vec<Timing>], kernels: Vec<KernelLine>) -> Self {
        let of_pass = |run: &Vec<Timing>| {
            run.iter().filter(|timing| timing.pass == pass.into()).map(|timing| timing.seconds).sum()
        };
        let sum = |amount: fn(&KernelLine) -> f64| kernels.iter().map(amount).sum();
        Self {
            pass,
            seconds: Spread::of(&runs.iter().map(of_pass).collect::<Vec<f64>>()),
            runs: runs.len(),
            flops: sum(|line| line.flops),
            direct_flops: sum(|line| line.direct_flops),
            bytes: sum(|line| line.bytes),
            of_roof: None,
            speedup: None,
            kernels,
        }
    }
}

/// Warms up, then runs the recordings of the two passes, or of the one that there is, for about `seconds`.
///
/// # Errors
/// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
pub(super) fn time(gpu: &Gpu, recordings: [&Recording; 2], seconds: f64) -> Result<Vec<PassTiming>> {
    let passes = || Pass::ALL.into_iter().zip(recordings).filter(|(_, recording)| !recording.is_empty());
    let recordings: Vec<&Recording> = passes().map(|(_, recording)| recording).collect();
    let one = warm_up(gpu, &recordings, seconds.min(WARM_UP))?;
    let least = if one > SLOW { LEAST_OF_SLOW } else { LEAST };
    let (mut runs, start) = (vec![], Instant::now());
    while runs.len() < least || (runs.len() < MOST && start.elapsed().as_secs_f64() < seconds) {
        runs.push(gpu.timed(&recordings)?);
    }
    let mut kernels = lines(&runs);
    let timing = |(pass, recording): (Pass, &Recording)| {
        let own = kernels.extract_if(.., |line| line.pass == recording.pass()).collect();
        PassTiming::of(pass, &runs, own)
    };
    Ok(passes().map(timing).collect())
}

/// Runs for about `seconds`; returns how many the last run took.
fn warm_up(gpu: &Gpu, recordings: &[&Recording], seconds: f64) -> Result<f64> {
    let start = Instant::now();
    loop {
        let before = start.elapsed().as_secs_f64();
        gpu.timed(recordings)?;
        let after = start.elapsed().as_secs_f64();
        if after > seconds {
            return Ok(after - before);
        }
    }
}

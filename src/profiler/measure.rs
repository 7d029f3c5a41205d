//! Runs recordings and takes their time.

use std::time::Instant;

use super::Spread;
use crate::error::Result;
use crate::gpu::{Gpu, Recording, Timing};

/// Warming up goes on at least so many seconds: clocks of a GPU at rest are low.
const WARM_UP: f64 = 0.2;
/// Evaluations are submitted in batches of at least so many seconds, so that waiting for the last one
/// of a batch counts for little.
const BATCH: f64 = 0.05;
/// Batches that the wall clock sees, at most: more than this tells nothing new.
const MOST_BATCHES: usize = 20;

/// Some evaluations as they ran.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// The commands of each evaluation.
    pub evaluations: Vec<Vec<Timing>>,
    /// Seconds by the wall clock for one evaluation, without timestamps, submitted one behind the other
    /// as in a painting.
    pub wall: Spread,
}

/// Runs recordings `evaluations` times with timestamps, and again without for the wall clock, after
/// warming up.
///
/// # Errors
/// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
pub fn measure(gpu: &Gpu, recordings: &[&Recording], evaluations: usize) -> Result<Measurement> {
    let one = warm_up(gpu, recordings)?;
    let batch = (BATCH / one).ceil().clamp(1.0, 1000.0) as usize;
    let mut wall = vec![];
    for _ in 0..evaluations.min(MOST_BATCHES) {
        wall.push(run(gpu, recordings, batch)? / batch as f64);
    }
    let timed = (0..evaluations).map(|_| gpu.timed(recordings)).collect::<Result<_>>()?;
    Ok(Measurement { evaluations: timed, wall: Spread::of(&wall) })
}

/// Seconds of the last evaluation of some.
fn warm_up(gpu: &Gpu, recordings: &[&Recording]) -> Result<f64> {
    let start = Instant::now();
    loop {
        let one = run(gpu, recordings, 1)?.max(1e-6);
        if start.elapsed().as_secs_f64() > WARM_UP {
            return Ok(one);
        }
    }
}

/// Seconds of so many evaluations, from the first submit to the end of the last.
fn run(gpu: &Gpu, recordings: &[&Recording], count: usize) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..count {
        gpu.submit(recordings)?;
    }
    gpu.wait()?;
    Ok(start.elapsed().as_secs_f64())
}

//! Measures how long recordings take.

use web_time::Instant;

use super::Spread;
use crate::error::Result;
use crate::gpu::{Gpu, Recording, Timing};

/// Least seconds of warming up: an idle GPU has low clocks.
const WARM_UP: f64 = 0.2;
/// Least seconds of a batch of evaluations, so that waiting for its end adds little to each.
const BATCH: f64 = 0.05;
/// Batches at most: more do not narrow the spread.
const MOST_BATCHES: usize = 20;

/// Timings of several evaluations.
#[derive(Debug, Clone)]
pub struct Measurement {
    /// The timed commands of each evaluation.
    pub evaluations: Vec<Vec<Timing>>,
    /// Seconds per evaluation by the wall clock, without timestamps, with evaluations submitted back to back as in
    /// a painting.
    pub wall: Spread,
}

/// Warms up, then runs recordings without timestamps for the wall clock, and `evaluations` times with them.
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

/// Runs until clocks have risen; returns the seconds of the last evaluation.
fn warm_up(gpu: &Gpu, recordings: &[&Recording]) -> Result<f64> {
    let start = Instant::now();
    loop {
        let one = run(gpu, recordings, 1)?.max(1e-6);
        if start.elapsed().as_secs_f64() > WARM_UP {
            return Ok(one);
        }
    }
}

/// Seconds of `count` evaluations, from the first submit to the end of the last.
fn run(gpu: &Gpu, recordings: &[&Recording], count: usize) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..count {
        gpu.submit(recordings)?;
    }
    gpu.wait()?;
    Ok(start.elapsed().as_secs_f64())
}

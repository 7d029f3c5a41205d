//! The record of a profile.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{KernelLine, Measurement, Roofs, Spread, lines};
use crate::error::{Error, Result};
use crate::gpu::{Clock, Gpu, Timing, Use};

/// A profile: everything that tables, charts and comparisons need. As JSON it is what `--json` writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Of this layout of the record. Others are refused.
    pub format: u32,
    /// The version of Impasto.
    pub version: String,
    /// Where it ran.
    pub device: Device,
    /// What ran.
    pub workload: Workload,
    /// What the times were taken with.
    pub clock: Clock,
    /// What the device does at most.
    pub roofs: Roofs,
    /// In the order in which they ran.
    pub kernels: Vec<KernelLine>,
    /// Of an evaluation.
    pub totals: Totals,
    /// What tensors hold.
    pub memory: Memory,
}

/// An adapter and its driver, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The adapter.
    pub name: String,
    /// `Vulkan`, `Metal`, `Dx12` or `Gl`.
    pub backend: String,
    /// The driver with its version.
    pub driver: String,
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// What an evaluation is.
    pub what: String,
    /// Width of the picture in pixels.
    pub width: u32,
    /// Height of the picture in pixels.
    pub height: u32,
    /// The variants of convolution and Gram matrix.
    pub kernels: String,
    /// Evaluations that were timed.
    pub evaluations: usize,
}

/// Seconds of one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// All kernels and copies together: the sum of each evaluation.
    pub kernels: Spread,
    /// From the beginning of the first command to the end of the last, on the clock of the kernels.
    pub gpu: Spread,
    /// By the wall clock from one evaluation to the next, submitted one behind the other; as far as that
    /// could be done without timestamps.
    pub wall: Spread,
}

/// Bytes that tensors hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// By use.
    pub by_use: BTreeMap<String, u64>,
    /// In all.
    pub total: u64,
    /// The most at one time, setting up included; not the buffers that the roofs were measured with.
    pub peak: u64,
}

impl Profile {
    /// What [`format`](Self::format) says now.
    pub const FORMAT: u32 = 1;

    /// Sums a measurement up. Memory is what the device holds now.
    pub fn new(gpu: &Gpu, roofs: Roofs, workload: Workload, measurement: &Measurement) -> Self {
        let each = |f: fn(&[Timing]) -> f64| {
            Spread::of(&measurement.evaluations.iter().map(|timings| f(timings)).collect::<Vec<_>>())
        };
        Self {
            format: Self::FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            device: Device::of(gpu),
            workload,
            clock: gpu.clock(),
            roofs,
            kernels: lines(&measurement.evaluations),
            totals: Totals { kernels: each(sum), gpu: each(extent), wall: measurement.wall },
            memory: Memory::of(gpu),
        }
    }

    /// The record as JSON, indented.
    pub fn to_json(&self) -> String {
        // Numbers, text and lists alone: nothing in it can fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`Error::Profile`] naming the file, if it cannot be read, is no profile or one of another
    /// format.
    pub fn load(path: &Path) -> Result<Self> {
        let refuse = |reason: String| Error::Profile { path: path.into(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| refuse(e.kind().to_string()))?;
        let profile: Self = serde_json::from_str(&text).map_err(|e| {
            refuse(format!("this is no profile ({e}): give JSON files that 'impasto profile' wrote"))
        })?;
        if profile.format != Self::FORMAT {
            let (theirs, ours) = (profile.format, Self::FORMAT);
            return Err(refuse(format!(
                "it has format {theirs}, this program reads format {ours}: profile again"
            )));
        }
        Ok(profile)
    }
}

impl Device {
    /// Of an open device.
    pub fn of(gpu: &Gpu) -> Self {
        let adapter = gpu.adapter();
        Self {
            name: adapter.name.clone(),
            backend: format!("{:?}", adapter.backend),
            driver: adapter.driver.clone(),
        }
    }
}

impl Memory {
    fn of(gpu: &Gpu) -> Self {
        let now = gpu.memory();
        Self {
            by_use: Use::ALL.iter().map(|what| (what.to_string(), now.of(*what))).collect(),
            total: now.total(),
            peak: gpu.peak_memory(),
        }
    }
}

fn sum(timings: &[Timing]) -> f64 {
    timings.iter().map(|timing| timing.seconds).sum()
}

fn extent(timings: &[Timing]) -> f64 {
    let first = timings.iter().map(|timing| timing.start).fold(f64::INFINITY, f64::min);
    let last = timings.iter().map(|timing| timing.start + timing.seconds).fold(0.0, f64::max);
    (last - first).max(0.0)
}

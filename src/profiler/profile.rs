//! The record of a profile.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{KernelLine, Measurement, Roofs, Spread, lines};
use crate::error::{Error, Result};
use crate::gpu::{Clock, Gpu, Timing, Use};

/// A profile: everything that tables, charts and comparisons need. It is saved as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Version of this record's layout, [`Profile::FORMAT`]; others are refused.
    pub format: u32,
    /// Version of Impasto.
    pub version: String,
    /// The device that it ran on.
    pub device: Device,
    /// What was run.
    pub workload: Workload,
    /// How times were taken.
    pub clock: Clock,
    /// The limits of the device.
    pub roofs: Roofs,
    /// The kernels in the order in which they ran.
    pub kernels: Vec<KernelLine>,
    /// Seconds of an evaluation.
    pub totals: Totals,
    /// Memory of tensors.
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
    /// What an evaluation computes, such as `loss and gradient`.
    pub what: String,
    /// Width of the image in pixels.
    pub width: u32,
    /// Height of the image in pixels.
    pub height: u32,
    /// The variants of the convolution and the Gram matrix.
    pub kernels: String,
    /// Number of timed evaluations.
    pub evaluations: usize,
}

/// Seconds of one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Sum over all kernels and copies.
    pub kernels: Spread,
    /// From the start of the first command to the end of the last, by the clock of the kernels.
    pub gpu: Spread,
    /// From one evaluation to the next by the wall clock, submitted back to back and without timestamps.
    pub wall: Spread,
}

/// Bytes of tensors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Bytes by use.
    pub by_use: BTreeMap<String, u64>,
    /// Bytes of all tensors.
    pub total: u64,
    /// Most bytes at one time, including setup but not the buffers for measuring the roofs.
    pub peak: u64,
}

impl Profile {
    /// The current [`format`](Self::format).
    pub const FORMAT: u32 = 2;

    /// The record of a measurement. Memory is what tensors take on the device at the time of the call.
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
        // A record of numbers, text and lists always serialises.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a file that [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`Error::Profile`] naming the file, if it cannot be read, is not a profile or has another format.
    pub fn load(path: &Path) -> Result<Self> {
        let refuse = |reason: String| Error::Profile { path: path.into(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| refuse(e.kind().to_string()))?;
        let profile: Self = serde_json::from_str(&text).map_err(|e| {
            refuse(format!("this is not a profile ({e}): give JSON files that 'impasto profile' wrote"))
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
    /// The names of an open device.
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

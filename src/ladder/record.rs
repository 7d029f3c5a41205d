//! The record of some ladders.

use serde::Serialize;

use super::{Ladder, ProblemSize};
use crate::error::{Error, Result};
use crate::gpu::{Clock, Gpu};
use crate::profiler::{Device, Roofs};

/// Ladders with all that it takes to read them: what `impasto kernels --json` writes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Of this layout of the record.
    pub format: u32,
    /// The version of Impasto.
    pub version: String,
    /// Where it ran.
    pub device: Device,
    /// What the times were taken with.
    pub clock: Clock,
    /// What the device does at most.
    pub roofs: Roofs,
    /// The layer that gave the shapes.
    pub layer: String,
    /// Width and height of the picture in pixels.
    pub size: u32,
    /// One a task.
    pub ladders: Vec<Ladder>,
}

impl Record {
    /// What [`format`](Self::format) says now.
    pub const FORMAT: u32 = 1;

    /// Puts every pass under these roofs.
    pub fn new(gpu: &Gpu, roofs: Roofs, size: &ProblemSize, mut ladders: Vec<Ladder>) -> Self {
        let rungs = ladders.iter_mut().flat_map(|ladder| &mut ladder.rungs);
        rungs.flat_map(|rung| &mut rung.passes).for_each(|pass| pass.put_under(&roofs));
        Self {
            format: Self::FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            device: Device::of(gpu),
            clock: gpu.clock(),
            roofs,
            layer: size.layer.name().into(),
            size: size.side,
            ladders,
        }
    }

    /// Whether all is well: absent rungs are.
    ///
    /// # Errors
    /// [`Error::Kernels`] naming every rung that is wrong or does not run.
    pub fn verdict(&self) -> Result<()> {
        let faulty = self.ladders.iter().flat_map(|ladder| {
            let rungs = ladder.rungs.iter().filter(|rung| rung.fault().is_some());
            rungs.map(|rung| format!("{} {}", ladder.benchmark, rung.name))
        });
        let kernels = faulty.collect::<Vec<_>>().join(", ");
        if kernels.is_empty() {
            return Ok(());
        }
        Err(Error::Kernels { device: self.device.name.clone(), kernels })
    }

    /// The record as JSON, indented.
    pub fn to_json(&self) -> String {
        // Numbers, text and lists alone: nothing in it can fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

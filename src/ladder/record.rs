//! The record of ladders: the JSON file of `impasto kernels`.

use serde::Serialize;

use super::{Benchmark, Ladder, ProblemSize};
use crate::error::{Error, Result};
use crate::gpu::{Clock, Gpu};
use crate::profiler::{Device, Roofs};

/// Ladders, with the device and the conditions under which they were run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Version of this layout.
    pub format: u32,
    /// The version of Impasto.
    pub version: String,
    /// The device.
    pub device: Device,
    /// The clock of the timings.
    pub clock: Clock,
    /// The roofs of the device.
    pub roofs: Roofs,
    /// The layer that gave the shapes; `None` if all ladders teach, whose shapes follow from the size alone.
    pub layer: Option<String>,
    /// Width and height of the image in pixels, or of matrices.
    pub size: u32,
    /// One for each operation.
    pub ladders: Vec<Ladder>,
}

impl Record {
    /// The current [`format`](Self::format).
    pub const FORMAT: u32 = 4;

    /// Compares every pass with these roofs.
    pub fn new(gpu: &Gpu, roofs: Roofs, size: &ProblemSize, mut ladders: Vec<Ladder>) -> Self {
        let rungs = ladders.iter_mut().flat_map(|ladder| &mut ladder.rungs);
        rungs.flat_map(|rung| &mut rung.passes).for_each(|pass| pass.put_under(&roofs));
        let has_layer = |ladder: &Ladder| Benchmark::of_name(&ladder.op).is_ok_and(|op| !op.teaches());
        Self {
            format: Self::FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            device: Device::of(gpu),
            clock: gpu.clock(),
            roofs,
            layer: ladders.iter().any(has_layer).then(|| size.layer.name().into()),
            size: size.side,
            ladders,
        }
    }

    /// Whether all rungs that the device runs are right.
    ///
    /// # Errors
    /// [`Error::Kernels`] naming every rung that is wrong or does not run.
    pub fn verdict(&self) -> Result<()> {
        let faulty = self.ladders.iter().flat_map(|ladder| {
            let rungs = ladder.rungs.iter().filter(|rung| rung.fault().is_some());
            rungs.map(|rung| format!("{} {}", ladder.op, rung.name))
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

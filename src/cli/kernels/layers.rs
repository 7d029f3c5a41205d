//! `impasto kernels --all-layers`: which variant is the fastest at which layer.

use std::process::ExitCode;

use impasto::gpu::Gpu;
use impasto::ladder::{Benchmark, Effort, Ladder, ProblemSize};
use impasto::report;
use impasto::vgg19::{Kernels, LayerId};
use impasto::{Error, Result};

use super::KernelsCommand;
use crate::cli::terminal::print;

impl KernelsCommand {
    /// Times every layer. Whether a variant is right does not depend on the layer, so that is checked at the first.
    pub(super) fn compare_layers(
        &self,
        gpu: &Gpu,
        ops: &[&'static Benchmark],
        effort: Effort,
    ) -> Result<ExitCode> {
        if let Some(op) = ops.iter().find(|op| op.teaches()) {
            return Err(Error::Usage(format!("{} has no layers: leave out --all-layers", op.name)));
        }
        let first = self.size(gpu, ops);
        let at = |layer| ProblemSize { layer, ..first };
        for op in ops {
            LayerId::all().try_for_each(|layer| op.check(gpu, &at(layer)))?;
        }
        let mut is_right = true;
        for op in ops {
            let ladder = |layer: LayerId| {
                let effort = Effort { check: effort.check && layer == LayerId::FIRST, ..effort };
                let ladders = self.run_ladders(gpu, &[op], &at(layer), &Kernels::default(), effort);
                ladders.into_iter().map(move |ladder| (layer, ladder))
            };
            let ladders: Vec<(LayerId, Ladder)> = LayerId::all().flat_map(ladder).collect();
            let mut rungs = ladders.iter().flat_map(|(_, ladder)| &ladder.rungs);
            is_right &= rungs.all(|rung| rung.fault().is_none());
            print(&report::layer_grid(&ladders))?;
        }
        Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

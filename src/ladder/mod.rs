//! The ladder of an operation: every way in which it can be computed, checked on this device against the
//! f64 reference, timed at the shape of a layer, and compared with the plainest.
//!
//! A [`Benchmark`] is an operation as users name it, with its rungs; [`BENCHMARKS`] lists them all. A [`ProblemSize`] says at
//! which layer and size it is timed. [`Ladder::run`] does the work and [`Record`] is what comes of it.

mod benchmark;
mod check;
mod list;
mod pass;
mod problem_size;
mod record;
mod variant;

pub use benchmark::Benchmark;
pub use check::Check;
pub use list::BENCHMARKS;
pub use pass::Pass;
pub use problem_size::ProblemSize;
pub use record::Record;
pub use variant::Variant;

use serde::Serialize;

use crate::gpu::{Gpu, Precision};
use crate::vgg19::Kernels;

/// All rungs of a task, plainest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ladder {
    /// The task's name.
    pub benchmark: String,
    /// Shapes of the inputs that it was timed with.
    pub inputs: Vec<String>,
    /// Shape of the output.
    pub output: String,
    /// How what the network hands on was stored: `f32` or `f16`.
    pub precision: String,
    /// In the order of the variants.
    pub rungs: Vec<Rung>,
}

/// One way to do a task, and what became of it here.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rung {
    /// The variant's name, or the task's where there is one way only.
    pub name: String,
    /// True if a painting of this size would run it at this layer.
    pub used: bool,
    /// What the device lacks for it; then nothing else is known.
    pub lacks: Option<String>,
    /// How far it is from the reference.
    pub check: Option<Check>,
    /// Forward and backward, as timed.
    pub passes: Vec<Pass>,
    /// Why it was not timed, if it could not be.
    pub untimed: Option<String>,
}

impl Rung {
    /// What is wrong with it, if anything: its answers, or that it does not run. To be absent for want of
    /// something is no fault.
    pub fn fault(&self) -> Option<&str> {
        let wrong = self.check.as_ref().and_then(|check| check.wrong.as_deref());
        wrong.or(self.untimed.as_deref())
    }

    /// Of this name: `forward` or `backward`.
    pub fn pass(&self, name: &str) -> Option<&Pass> {
        self.passes.iter().find(|pass| pass.name == name)
    }
}

impl Ladder {
    /// Checks every rung, and times it for about so many seconds. `kernels` is what a painting would run;
    /// `progress` hears of each rung before it is tried. Whatever goes wrong with a rung is told in it.
    pub fn run(
        gpu: &Gpu,
        benchmark: &Benchmark,
        size: &ProblemSize,
        kernels: &Kernels,
        seconds: f64,
        progress: &mut dyn FnMut(&str),
    ) -> Self {
        let size = benchmark.size(size);
        let rung = |variant: Variant| {
            progress(variant.name());
            let used = variant.is_used(kernels, size.layer);
            Rung { used, ..run(gpu, benchmark, &variant, &size, seconds) }
        };
        let rungs = benchmark.variants().into_iter().map(rung).collect();
        let mut ladder = Self {
            benchmark: benchmark.name.into(),
            inputs: (benchmark.inputs)(&size).iter().map(ToString::to_string).collect(),
            output: (benchmark.output)(&size).to_string(),
            precision: if size.precision == Precision::F16 { "f16" } else { "f32" }.into(),
            rungs,
        };
        ladder.compare();
        ladder
    }

    /// The rung whose pass of this name takes the least time, of those without fault.
    pub fn fastest(&self, pass: &str) -> Option<(&Rung, &Pass)> {
        let sound = self.rungs.iter().filter(|rung| rung.fault().is_none());
        let timed = sound.filter_map(|rung| Some((rung, rung.pass(pass)?)));
        timed.min_by(|(_, a), (_, b)| a.seconds.median.total_cmp(&b.seconds.median))
    }

    /// Sets every pass beside that of the first rung, where there are several.
    fn compare(&mut self) {
        let [first, _, ..] = &self.rungs[..] else { return };
        let first = first.passes.clone();
        for pass in self.rungs.iter_mut().flat_map(|rung| &mut rung.passes) {
            let naive = first.iter().find(|naive| naive.name == pass.name);
            pass.faster = naive.map(|naive| naive.seconds.median / pass.seconds.median.max(1e-12));
        }
    }
}

/// Tries one rung.
fn run(gpu: &Gpu, benchmark: &Benchmark, variant: &Variant, size: &ProblemSize, seconds: f64) -> Rung {
    let mut rung = Rung { name: variant.name().into(), lacks: variant.lacks(gpu), ..Rung::default() };
    if rung.lacks.is_some() {
        return rung;
    }
    rung.check = Some(Check::of(gpu, benchmark.cases_of(variant, size.precision)));
    // What gives wrong answers is timed all the same: whoever mends it wants to know what it is worth.
    let timed = benchmark
        .program(gpu, variant, size)
        .and_then(|program| pass::time(gpu, &[&program.forward, &program.backward], seconds));
    match timed {
        Ok(passes) => rung.passes = passes,
        Err(error) => rung.untimed = Some(error.to_string()),
    }
    rung
}

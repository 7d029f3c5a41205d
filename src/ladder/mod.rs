//! The ladder of an operation: every way to compute it, checked on this device against the f64 reference, timed at the
//! shape of a layer, and compared with the plainest.
//!
//! A [`Benchmark`] is an operation as users name it, with its rungs; [`BENCHMARKS`] lists them all. A [`ProblemSize`]
//! says at which layer and size it is timed. [`Ladder::run`] runs it, and [`Record`] holds the results.

mod benchmark;
mod record;
mod table;
mod timing;
pub mod trial;

pub use benchmark::{Benchmark, Implementation, ProblemSize};
pub use record::Record;
pub use table::BENCHMARKS;
pub use timing::PassTiming;

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Result;
use crate::gpu::{Gpu, Precision};
use crate::ops::Trial;
use crate::ops::case::Case;
use crate::ops::variants::Pass;
use crate::vgg19::Kernels;

/// The rungs of an operation, plainest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ladder {
    /// The benchmark's name.
    pub op: String,
    /// Shapes of the inputs that it was timed with.
    pub inputs: Vec<String>,
    /// Shape of the output.
    pub output: String,
    /// Precision in which activations and weights were stored: `f32` or `f16`.
    pub precision: String,
    /// In the order of the variants.
    pub rungs: Vec<Rung>,
}

/// Which rungs of a ladder are tried, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// Seconds to time each rung.
    pub seconds: f64,
    /// Whether each is compared with the reference.
    pub check: bool,
    /// Whether rungs for drivers on the CPU are tried on a GPU, too.
    pub all: bool,
    /// The one rung that is tried, if not all are.
    pub only: Option<&'static str>,
}

impl Effort {
    /// The rungs of a benchmark that are tried on a device.
    pub fn rungs(self, gpu: &Gpu, benchmark: &Benchmark) -> Vec<Implementation> {
        let mut rungs = benchmark.rungs(gpu, self.all || self.only.is_some());
        rungs.retain(|rung| self.only.is_none_or(|name| rung.name() == name));
        rungs
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self { seconds: 1.0, check: true, all: false, only: None }
    }
}

/// One implementation, and its results on this device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// The variant's name, or the benchmark's where there is only one implementation.
    pub name: String,
    /// The passes in which a painting of this size would run it at this layer.
    pub used: Vec<Pass>,
    /// What the device is missing; then the rung is neither checked nor timed.
    pub missing: Option<String>,
    /// Its deviation from the reference; `None` if the device cannot run it, or nothing was to be checked.
    pub check: Option<Check>,
    /// Forward and backward, as timed.
    pub passes: Vec<PassTiming>,
    /// Why it was not timed, if it could not be.
    pub untimed: Option<String>,
}

/// The deviations of a rung in all of its test cases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// How many cases there are.
    pub cases: usize,
    /// The worst deviation of an output from the f64 reference: see [`distance`]. Infinity, which JSON has
    /// as null, stands for NaN.
    ///
    /// [`distance`]: crate::ops::case::distance
    #[serde(deserialize_with = "infinity_or_number")]
    pub forward: f64,
    /// The worst deviation of a gradient.
    #[serde(deserialize_with = "infinity_or_number")]
    pub backward: f64,
    /// The largest deviation that is allowed.
    pub tolerance: f64,
    /// The first case that failed, and what is wrong with it.
    pub wrong: Option<String>,
}

/// JSON has no infinity.
fn infinity_or_number<'de, D: Deserializer<'de>>(reader: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(reader)?.unwrap_or(f64::INFINITY))
}

impl Check {
    /// Runs them all.
    pub fn of(gpu: &Gpu, cases: Vec<Case>) -> Self {
        let mut check = Self { cases: cases.len(), ..Self::default() };
        if cases.is_empty() {
            check.wrong = Some("there is no case to check it with".into());
        }
        for (case, trial) in cases.iter().zip(Trial::of_all(gpu, &cases)) {
            if let Err(fault) = check.run(gpu, case, trial) {
                check.wrong.get_or_insert(format!("{}: {fault}", case.label));
            }
        }
        check
    }

    fn run(
        &mut self,
        gpu: &Gpu,
        case: &Case,
        trial: Result<Option<Trial>>,
    ) -> std::result::Result<(), String> {
        let trial = trial.map_err(|error| error.to_string())?;
        let trial = trial.ok_or("the device is missing something for it")?;
        let deviation = trial.run(gpu).map_err(|error| error.to_string())?;
        self.forward = self.forward.max(deviation.forward);
        self.backward = self.backward.max(deviation.backward);
        self.tolerance = self.tolerance.max(case.tolerance);
        let [forward, backward] = [deviation.forward, deviation.backward];
        if forward.max(backward) > case.tolerance {
            let allowed = case.tolerance;
            return Err(format!(
                "off by {forward:.1e} forward and {backward:.1e} backward, where {allowed:.0e} is allowed"
            ));
        }
        if deviation.padding_is_zero { Ok(()) } else { Err("the padding is not zero".into()) }
    }
}

impl Rung {
    /// The fault of its results, or that it does not run, if there is one. A rung that the device cannot run has no fault.
    pub fn fault(&self) -> Option<&str> {
        let wrong = self.check.as_ref().and_then(|check| check.wrong.as_deref());
        wrong.or(self.untimed.as_deref())
    }

    /// The timing of a pass.
    pub fn pass(&self, pass: Pass) -> Option<&PassTiming> {
        self.passes.iter().find(|timing| timing.pass == pass)
    }
}

impl Ladder {
    /// Checks the rungs and times them. `kernels` are those that a painting would run; `progress`
    /// is called with a rung's name before it is tried. Failures are recorded in the rung.
    pub fn run(
        gpu: &Gpu,
        benchmark: &Benchmark,
        size: &ProblemSize,
        kernels: &Kernels,
        effort: Effort,
        progress: &mut dyn FnMut(&str),
    ) -> Self {
        let size = benchmark.size(size);
        let rung = |implementation: Implementation| {
            progress(implementation.name());
            let used =
                Pass::ALL.into_iter().filter(|pass| implementation.is_used(kernels, size.layer, *pass));
            Rung { used: used.collect(), ..run(gpu, benchmark, implementation, &size, effort) }
        };
        let rungs = effort.rungs(gpu, benchmark).into_iter().map(rung).collect();
        let mut ladder = Self {
            op: benchmark.name.into(),
            inputs: (benchmark.inputs)(&size).iter().map(|shape| benchmark.describe(shape)).collect(),
            output: benchmark.describe(&(benchmark.output)(&size)),
            precision: if size.precision == Precision::F16 { "f16" } else { "f32" }.into(),
            rungs,
        };
        ladder.compare();
        ladder
    }

    /// Adds the rung of a user's own kernel, with the results of another process.
    pub fn add(&mut self, rung: Rung) {
        self.rungs.push(rung);
        self.compare();
    }

    /// The rung whose pass takes the least time, of those without fault.
    pub fn fastest(&self, pass: Pass) -> Option<(&Rung, &PassTiming)> {
        let sound = self.rungs.iter().filter(|rung| rung.fault().is_none());
        let timed = sound.filter_map(|rung| Some((rung, rung.pass(pass)?)));
        timed.min_by(|(_, a), (_, b)| a.seconds.median.total_cmp(&b.seconds.median))
    }

    /// The other rungs without fault that may be as fast as the fastest: their timings overlap with its.
    pub fn rivals(&self, pass: Pass) -> impl Iterator<Item = &Rung> {
        let fastest = self.fastest(pass).map(|(rung, timing)| (&rung.name, timing.seconds));
        let is_rival = move |rung: &&Rung| {
            let timing = rung.pass(pass).filter(|_| rung.fault().is_none());
            fastest.zip(timing).is_some_and(|((name, fastest), timing)| {
                *name != rung.name && fastest.overlaps(&timing.seconds)
            })
        };
        self.rungs.iter().filter(is_rival)
    }

    /// Compares every pass with that of the first rung, where there are several.
    fn compare(&mut self) {
        let [first, _, ..] = &self.rungs[..] else { return };
        let first = first.passes.clone();
        for timing in self.rungs.iter_mut().flat_map(|rung| &mut rung.passes) {
            let naive = first.iter().find(|naive| naive.pass == timing.pass);
            timing.speedup = naive.map(|naive| naive.seconds.median / timing.seconds.median.max(1e-12));
        }
    }
}

/// Checks and times one rung.
fn run(
    gpu: &Gpu,
    benchmark: &Benchmark,
    implementation: Implementation,
    size: &ProblemSize,
    effort: Effort,
) -> Rung {
    let missing = implementation.missing(gpu);
    let mut rung = Rung { name: implementation.name().into(), missing, ..Rung::default() };
    if rung.missing.is_some() {
        return rung;
    }
    if effort.check {
        rung.check = Some(Check::of(gpu, benchmark.cases_of(implementation, size.precision)));
    }
    // A rung with wrong results is timed too: its speed is of interest to its author.
    let timed = benchmark
        .program(gpu, implementation, size)
        .and_then(|program| timing::time(gpu, [&program.forward, &program.backward], effort.seconds));
    match timed {
        Ok(passes) => rung.passes = passes,
        Err(error) => rung.untimed = Some(error.to_string()),
    }
    rung
}

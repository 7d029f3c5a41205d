//! Every variant of every operation, forward and backward, against its f64 reference. A GPU leaves out those for drivers on
//! the CPU.

use web_time::Instant;

use super::{Measure, Part, Progress};
use crate::gpu::{Gpu, Precision};
use crate::ladder::{BENCHMARKS, Benchmark, Check, Implementation};

/// One part for each implementation and precision that has cases.
pub(super) fn check(gpu: &Gpu, progress: Progress) -> Vec<Part> {
    let mut parts = vec![];
    for benchmark in BENCHMARKS.iter().filter(|benchmark| !benchmark.teaches()) {
        for implementation in benchmark.rungs(gpu, false) {
            for precision in [Precision::F32, Precision::F16] {
                if benchmark.cases_of(implementation, precision).is_empty() {
                    continue;
                }
                let part = part(benchmark, implementation, precision);
                progress(&part, false);
                let part = run(gpu, benchmark, implementation, precision, part);
                progress(&part, true);
                parts.push(part);
            }
        }
    }
    parts
}

fn part(benchmark: &Benchmark, implementation: Implementation, precision: Precision) -> Part {
    let (name, variant) = match implementation {
        Implementation::Variant(variant) => (format!("{} {variant}", benchmark.name), Some(variant)),
        other => (other.name().into(), None),
    };
    Part { name, variant, f16: precision == Precision::F16, ..Part::default() }
}

fn run(
    gpu: &Gpu,
    benchmark: &Benchmark,
    implementation: Implementation,
    precision: Precision,
    mut part: Part,
) -> Part {
    let start = Instant::now();
    part.missing = implementation.missing(gpu);
    if part.missing.is_none() {
        let check = Check::of(gpu, benchmark.cases_of(implementation, precision));
        part.measures = [("forward", check.forward), ("backward", check.backward)]
            .map(|(pass, off)| Measure::new(pass, off, check.tolerance))
            .into();
        part.fault = check.wrong;
    }
    part.seconds = start.elapsed().as_secs_f64();
    part
}

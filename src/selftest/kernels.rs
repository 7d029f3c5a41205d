//! Every variant of every operation, forward and backward, against its f64 reference.

use std::time::Instant;

use super::{Measure, Part, Progress};
use crate::gpu::{Gpu, Precision};
use crate::ladder::{BENCHMARKS, Benchmark, Check, Variant};

/// One part for each variant and precision that has cases.
pub(super) fn check(gpu: &Gpu, progress: Progress) -> Vec<Part> {
    let mut parts = vec![];
    for benchmark in &BENCHMARKS {
        for variant in &benchmark.variants() {
            for precision in [Precision::F32, Precision::F16] {
                if benchmark.cases_of(variant, precision).is_empty() {
                    continue;
                }
                let part = Part {
                    name: name(benchmark, variant),
                    f16: precision == Precision::F16,
                    ..Part::default()
                };
                progress(&part, false);
                let part = check_variant(gpu, benchmark, variant, part);
                progress(&part, true);
                parts.push(part);
            }
        }
    }
    parts
}

/// As `--kernel` and the tuner call it.
fn name(benchmark: &Benchmark, variant: &Variant) -> String {
    match variant.name() == benchmark.name {
        true => benchmark.name.into(),
        false => format!("{} {}", benchmark.name, variant.name()),
    }
}

fn check_variant(gpu: &Gpu, benchmark: &Benchmark, variant: &Variant, mut part: Part) -> Part {
    let begun = Instant::now();
    part.lacks = variant.lacks(gpu);
    if part.lacks.is_none() {
        let precision = if part.f16 { Precision::F16 } else { Precision::F32 };
        let check = Check::of(gpu, benchmark.cases_of(variant, precision));
        part.measures = [("forward", check.forward), ("backward", check.backward)]
            .map(|(pass, off)| Measure::new(pass, off, check.tolerance))
            .into();
        part.fault = check.wrong;
    }
    part.seconds = begun.elapsed().as_secs_f64();
    part
}

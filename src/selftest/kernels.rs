//! Every variant of every operation, forward and backward, against its f64 reference.

use std::time::Instant;

use super::{Measure, Part, Progress};
use crate::gpu::{Gpu, Precision};
use crate::ladder::{Check, TASKS, Task, Way};

/// One part for each variant and precision that has cases.
pub(super) fn check(gpu: &Gpu, progress: Progress) -> Vec<Part> {
    let mut parts = vec![];
    for task in &TASKS {
        for way in &task.ways() {
            for precision in [Precision::F32, Precision::F16] {
                if task.cases_of(way, precision).is_empty() {
                    continue;
                }
                let part =
                    Part { name: name(task, way), f16: precision == Precision::F16, ..Part::default() };
                progress(&part, false);
                let part = check_way(gpu, task, way, part);
                progress(&part, true);
                parts.push(part);
            }
        }
    }
    parts
}

/// As `--kernel` and the tuner call it.
fn name(task: &Task, way: &Way) -> String {
    match way.name() == task.name {
        true => task.name.into(),
        false => format!("{} {}", task.name, way.name()),
    }
}

fn check_way(gpu: &Gpu, task: &Task, way: &Way, mut part: Part) -> Part {
    let begun = Instant::now();
    part.lacks = way.lacks(gpu);
    if part.lacks.is_none() {
        let precision = if part.f16 { Precision::F16 } else { Precision::F32 };
        let check = Check::of(gpu, task.cases_of(way, precision));
        part.measures = [("forward", check.forward), ("backward", check.backward)]
            .map(|(pass, off)| Measure::new(pass, off, check.tolerance))
            .into();
        part.fault = check.wrong;
    }
    part.seconds = begun.elapsed().as_secs_f64();
    part
}

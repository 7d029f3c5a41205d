//! The self-test of a device: every kernel, the whole objective, and both optimisers.
//!
//! Each comparison is one [`Part`] of the [`Report`]. Kernels are compared with references in f64, the objective with
//! results of PyTorch in float64 that are embedded in the program, and the optimisers with the loss that PyTorch's reach
//! from the same image. Nothing is timed, and nothing is read from the disk.

mod golden;
mod kernels;
mod part;
mod report;
mod runs;

pub use part::{Measure, Part};
pub use report::Report;

use web_time::Instant;

use golden::Golden;

use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::ops::variants::ComputePrecision;
use crate::tuner::{Choice, Mode, Tuner};
use crate::vgg19::LayerId;

/// Called with each part before it runs (false), and again with its result (true).
pub type Progress<'a> = &'a mut dyn FnMut(&Part, bool);

/// Runs every part. Every failure of the device is in the report, even if nothing runs on it at all.
pub fn run(gpu: &Gpu, progress: Progress) -> Report {
    report(gpu, progress, true)
}

/// The part of [`run`] that compares the whole objective, alone: a device that passes it runs the kernels of a painting
/// rightly.
pub fn run_objective(gpu: &Gpu, progress: Progress) -> Report {
    report(gpu, progress, false)
}

fn report(gpu: &Gpu, progress: Progress, every_part: bool) -> Report {
    let begun = Instant::now();
    let mut parts = if every_part { kernels::check(gpu, progress) } else { vec![] };
    let prepared = prepare(gpu);
    let golden = || match &prepared {
        Ok((_, golden)) => Ok(golden),
        Err(error) => Err(Error::gpu("the network", error.to_string())),
    };
    let mut part = |name: &str, work: &dyn Fn() -> Result<Vec<Measure>>| {
        let part = Part { name: name.into(), ..Part::default() };
        progress(&part, false);
        let part = part.done(work);
        progress(&part, true);
        parts.push(part);
    };
    part("objective", &|| golden()?.check(gpu));
    if every_part {
        part("adam", &|| runs::adam(gpu, golden()?));
        part("lbfgs", &|| runs::lbfgs(gpu, golden()?));
    }
    let choice = prepared.ok().map(|(choice, _)| choice);
    Report::new(gpu, parts, choice.as_ref(), begun.elapsed().as_secs_f64())
}

/// The golden painting, with the kernels that a painting would run on this device without timings: correct ones, chosen
/// by the class of the device.
fn prepare(gpu: &Gpu) -> Result<(Choice, Golden)> {
    let tuner = Tuner { mode: Mode::BuiltIn, folder: None, precision: ComputePrecision::F32.into() };
    let choice = tuner.choose(gpu, Golden::SIZE, LayerId::LAST, &mut |_, _, _| ())?;
    let golden = Golden::load(gpu, &choice.kernels)?;
    Ok((choice, golden))
}

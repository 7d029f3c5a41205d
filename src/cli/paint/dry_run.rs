//! `paint --dry-run`: what a painting would take.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use impasto::Result;
use impasto::gpu::{Gpu, Use, mebibytes};
use impasto::painter::{Painter, Scale, Schedule};
use impasto::vgg19::Network;

use super::{Job, Paint};
use crate::cli::common::Studio;

/// Evaluations of a trial that are timed, after one that is not: it waits for the driver to compile.
const TIMED: usize = 2;

/// What was found out about one scale.
struct Trial {
    seconds: f64,
    memory: impasto::gpu::MemoryUse,
}

/// Tries every scale for a moment and prints the plan. Writes no file.
pub fn tell(job: &Job, paint: &Paint) -> Result<ExitCode> {
    let network = &paint.painting.objective.network;
    let Studio { gpu, network, .. } = Studio::open(network, &job.objective, job.size(), &paint.common)?;
    let mut text = format!("device: {}\nkernels: {}\n", gpu.adapter(), network.kernels());
    for style in &job.subject.styles {
        text +=
            &format!("style: {} x {}, weight {}\n", style.image.width(), style.image.height(), style.weight);
    }
    let (mut seconds, mut memory) = (0.0, None);
    for scale in job.schedule.scales() {
        let trial = try_out(&gpu, &network, job, paint, scale)?;
        let Scale { width, height, iterations, .. } = scale;
        text += &format!(
            "scale: {width} x {height}, {iterations} evaluations of {:.0} ms, {}\n",
            trial.seconds * 1e3,
            mebibytes(trial.memory.total())
        );
        seconds += trial.seconds * *iterations as f64;
        memory = Some(trial.memory);
    }
    if let Some(memory) = memory {
        let uses = Use::ALL.map(|what| format!("{what} {}", mebibytes(memory.of(what))));
        text += &format!("memory at the last scale: {}\n", uses.join(", "));
    }
    text += &format!("memory at most: {}\n", mebibytes(gpu.peak_memory()));
    text += &format!("time: about {}\n", indicatif::HumanDuration(Duration::from_secs_f64(seconds)));
    // Whoever closed the pipe has seen enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// Works at one scale for a few evaluations.
fn try_out(gpu: &Gpu, network: &Arc<Network>, job: &Job, paint: &Paint, scale: &Scale) -> Result<Trial> {
    let schedule = Schedule::plain(scale.width, scale.height, 1 + TIMED);
    let start = vec![0.0; scale.width as usize * scale.height as usize * 3];
    // A pause after each, so that no time is that of two.
    let plan = paint.painting.plan(schedule, vec![1], paint.common.memory())?;
    let mut painter = Painter::new(gpu, network, job.subject.at(scale)?, plan, &start)?;
    painter.advance()?;
    let began = Instant::now();
    while painter.advance()?.is_some() {}
    Ok(Trial { seconds: began.elapsed().as_secs_f64() / TIMED as f64, memory: gpu.memory() })
}

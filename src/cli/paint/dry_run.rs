//! `paint --dry-run`: the plan of a painting, its memory and expected time.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use impasto::Result;
use impasto::gpu::{Gpu, Use, mebibytes};
use impasto::painter::{Painter, PainterOptions, PaintingInputs, Plan, Scale, Schedule};
use impasto::planner::Choice;
use impasto::vgg19::Network;

use super::{Job, Request};
use crate::cli::context::{Context, print};

/// Evaluations of the trial that are timed, after one that is not: it waits for the driver to compile.
const TIMED: usize = 2;

/// Longer side of the trial's picture, at most: large enough to tell the time per pixel, small enough that a
/// device on the CPU is done in seconds.
const TRIAL: u32 = 256;

/// Plans every scale, times a few evaluations at a small size, and prints the plan. Writes no file.
pub fn print_plan(job: &Job, request: &Request) -> Result<ExitCode> {
    let network = &request.painting.objective.network;
    let Context { gpu, network, .. } = Context::open(network, &job.objective, job.size(), &request.common)?;
    let plan = request.painting.plan(job.schedule.clone(), vec![], request.common.memory)?;
    let choices = plan.choices(&gpu, &network, &job.inputs)?;
    let seconds_a_pixel = try_out(&gpu, &network, &job.inputs, &plan)?;
    let mut text = format!("device: {}\nkernels: {}\n", gpu.adapter(), network.kernels());
    for style in &job.inputs.styles {
        let (width, height) = (style.image.width(), style.image.height());
        text += &format!("style: {width} x {height}, weight {}\n", style.weight);
    }
    let mut total = 0.0;
    for (scale, choice) in job.schedule.scales().iter().zip(&choices) {
        let seconds = seconds_a_pixel * choice.work(job.objective.deepest());
        let n = scale.iterations;
        text += &format!("scale: {choice}; {n} evaluations of about {}\n", duration(seconds));
        total += seconds * n as f64;
    }
    if let Some(largest) = choices.iter().max_by_key(|choice| choice.device.total()) {
        text += &format!("memory at most: {}\n", memory(largest));
    }
    text += &format!("time: about {}\n", indicatif::HumanDuration(Duration::from_secs_f64(total)));
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Where the memory of a scale goes.
fn memory(choice: &Choice) -> String {
    let uses = Use::ALL.map(|what| format!("{what} {}", mebibytes(choice.device.of(what))));
    let device = mebibytes(choice.device.total());
    format!("{device} on the device ({}), {} on the host", uses.join(", "), mebibytes(choice.host))
}

fn duration(seconds: f64) -> String {
    if seconds < 10.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.0} s") }
}

/// Works at a small size for a few evaluations: the seconds of one for each pixel.
fn try_out(gpu: &Gpu, network: &Arc<Network>, inputs: &PaintingInputs, plan: &Plan) -> Result<f64> {
    let first = *plan.schedule.first();
    let side =
        |side: u32| (f64::from(side) * f64::from(TRIAL) / f64::from(first.width.max(first.height))).round();
    let (width, height) = match first.width.max(first.height) > TRIAL {
        true => (side(first.width) as u32, side(first.height) as u32),
        false => (first.width, first.height),
    };
    let fraction = first.fraction * f64::from(width) / f64::from(first.width);
    let small = Scale { width, height, fraction, ..first };
    // A pause after each, so that no time is that of two.
    let plan = Plan { schedule: Schedule::plain(width, height, 1 + TIMED), pauses: vec![1], ..plan.clone() };
    let mut painter = Painter::new(gpu, network, inputs.at(&small)?, plan, PainterOptions::default())?;
    painter.advance()?;
    let began = Instant::now();
    while painter.advance()?.is_some() {}
    let work = painter.choices()[0].work(painter.deepest());
    Ok(began.elapsed().as_secs_f64() / TIMED as f64 / work)
}

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
use crate::cli::context::Context;
use crate::cli::terminal::print;

/// Evaluations of the trial that are timed, after one that is not: it waits for the driver to compile.
const TIMED: usize = 2;

/// Longer side of the trial's image: large enough to measure the time per pixel, small enough for a device on the
/// CPU. An image that is narrow for its layers gets a larger trial.
const TRIAL: u32 = 256;

/// Plans every scale, times a few evaluations at a small size, and prints the plan. Writes no file.
pub fn print_plan(job: &Job, request: &Request) -> Result<ExitCode> {
    let network = &request.painting.objective.network;
    let painted = job.schedule.painted_size();
    let Context { gpu, network, .. } = Context::open(network, &job.objective, painted, &request.common)?;
    let plan = request.painting.plan(job.schedule.clone(), vec![], request.common.memory)?;
    let choices = plan.choices(&gpu, &network, &job.inputs)?;
    let seconds_a_pixel = try_out(&gpu, &network, &job.inputs, &plan)?;
    let mut text = format!("device: {}\nkernels: {}\n", gpu.adapter(), network.kernels());
    for style in &job.inputs.styles {
        let (width, height) = (style.image.width(), style.image.height());
        text += &format!("style: {width} x {height}, weight {}\n", style.weight);
    }
    if job.schedule.supersampling() > 1.0 {
        let (width, height) = job.schedule.picture_size();
        text += &format!("picture: {width} x {height}, reduced from the last of the sizes below\n");
    }
    if job.inputs.margin > 0 {
        text += &format!("margin: {} pixels on each side, a part of the sizes below\n", job.inputs.margin);
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

/// Seconds per pixel and evaluation, from a few evaluations at a small size.
fn try_out(gpu: &Gpu, network: &Arc<Network>, inputs: &PaintingInputs, plan: &Plan) -> Result<f64> {
    let styles = inputs.styles.iter().map(|style| style.image.width().min(style.image.height()));
    let shortest_style = styles.min().unwrap_or(u32::MAX);
    let trial = trial_of(plan.schedule.first(), shortest_style, plan.settings.deepest().downscale() as u32);
    // A pause after each evaluation, so that none is timed together with the next.
    let schedule = Schedule::plain(trial.width, trial.height, 1 + TIMED);
    let plan = Plan { schedule, pauses: vec![1], ..plan.clone() };
    let mut painter = Painter::new(gpu, network, inputs.at(&trial)?, plan, PainterOptions::default())?;
    painter.advance()?;
    let began = Instant::now();
    while painter.advance()?.is_some() {}
    let work = painter.choices()[0].work(painter.deepest());
    Ok(began.elapsed().as_secs_f64() / TIMED as f64 / work)
}

/// The first scale, made smaller as far as neither the image nor a style gets a side below `least`, which the
/// deepest layer needs. `shortest_style` is the shortest side of any style at the last scale.
fn trial_of(first: &Scale, shortest_style: u32, least: u32) -> Scale {
    let longer = f64::from(first.width.max(first.height));
    let shortest = f64::from(first.width.min(first.height)).min(f64::from(shortest_style) * first.fraction);
    let factor = (f64::from(TRIAL) / longer).max(f64::from(least) / shortest).min(1.0);
    let side = |side: u32| ((f64::from(side) * factor).round() as u32).max(1);
    Scale {
        width: side(first.width),
        height: side(first.height),
        fraction: first.fraction * factor,
        ..*first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever fits the first scale fits the trial.
        #[test]
        fn no_side_of_a_trial_vanishes(
            (width, height) in (1u32..5000, 1u32..5000),
            style in 1u32..5000,
            fraction in 0.05f64..=1.0,
            block in 0u32..5,
        ) {
            let least = 1 << block;
            let style_at = |fraction: f64| ((f64::from(style) * fraction).round() as u32).max(1);
            prop_assume!(width.min(height) >= least && style_at(fraction) >= least);
            let trial = trial_of(&Scale { width, height, iterations: 1, fraction }, style, least);
            prop_assert!(trial.width.min(trial.height) >= least, "{trial:?}");
            prop_assert!(trial.width <= width && trial.height <= height, "{trial:?}");
            prop_assert!(style_at(trial.fraction) >= least, "{trial:?}");
        }
    }
}

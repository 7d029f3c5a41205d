//! The process that runs a user's kernel. It tells the one that waits for it what it is doing, a line of JSON at a time.

use std::process::ExitCode;
use std::time::Duration;

use impasto::Result;
use impasto::gpu::{DeviceChoice, Gpu, GpuOptions};
use impasto::ladder::trial::{self, Verdict};
use impasto::ladder::{Check, ProblemSize, Rung};
use impasto::report::{trial_details, trial_summary};
use serde::{Deserialize, Serialize};

use super::file::OwnKernel;
use crate::cli::STOPPED;
use crate::cli::device::switched;
use crate::cli::terminal::print_bytes;
use crate::cli::test_faults::fault;

/// A line to the process that waits.
#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    /// What is done next.
    Step(String),
    /// The check is done: the rung without timings, and what is wrong, a line each.
    Checked(Box<Rung>, String),
    /// The timings are done, or failed.
    Timed(Box<Rung>),
}

/// Sends a line. Nobody may be left who reads it; then the process ends.
fn send(message: &Message) {
    // Numbers, text and lists alone: nothing in it can fail.
    let line = serde_json::to_string(message).unwrap_or_default() + "\n";
    if print_bytes(line.as_bytes()).is_err() {
        std::process::exit(i32::from(STOPPED));
    }
}

fn step(what: impl Into<String>) {
    send(&Message::Step(what.into()));
}

/// Checks a kernel, and if it is right times it, each on a device of its own.
pub fn run_here(
    own: &OwnKernel,
    device: Option<&DeviceChoice>,
    size: &dyn Fn(&Gpu) -> ProblemSize,
    seconds: f64,
) -> Result<ExitCode> {
    step("compiling");
    let stand_in = match own.stand_in() {
        Ok(stand_in) => stand_in,
        Err(message) => {
            let rung = Rung { name: own.name.clone(), untimed: Some(message), ..Rung::default() };
            send(&Message::Checked(Box::new(rung), String::new()));
            return Ok(ExitCode::FAILURE);
        }
    };
    let options = GpuOptions {
        device: device.cloned().unwrap_or_default(),
        stand_in: Some(stand_in),
        ..GpuOptions::default()
    };
    let open = |guarded: bool| switched(GpuOptions { paranoid: guarded, guarded, ..options.clone() });
    let gpu = open(true)?;
    own.benchmark.check(&gpu, &size(&gpu))?;
    let verdict = trial::check(&gpu, own.benchmark, &own.passes, &size(&gpu), &mut |case| {
        step(format!("checking {case}"));
        fail_on_purpose();
    })?;
    let rung = checked(own, &verdict);
    // The time of a kernel that is wrong says nothing, and its author waits to try again.
    let is_right = rung.untimed.is_none() && rung.fault().is_none();
    send(&Message::Checked(Box::new(rung), trial_details(&verdict)));
    if is_right {
        step("timing");
        let gpu = open(false)?;
        send(&Message::Timed(Box::new(trial::time(&gpu, own.benchmark, &own.passes, &size(&gpu), seconds))));
    }
    Ok(ExitCode::SUCCESS)
}

/// The rung of a verdict, without timings. A kernel that cannot be launched is neither right nor wrong.
fn checked(own: &OwnKernel, verdict: &Verdict) -> Rung {
    let untimed = verdict.finding.as_ref().and_then(|finding| finding.failure.clone());
    let summary = trial_summary(verdict);
    let check = Check { wrong: verdict.check.wrong.clone().or(summary), ..verdict.check.clone() };
    let check = untimed.is_none().then_some(check);
    Rung { name: own.name.clone(), check, untimed, ..Rung::default() }
}

/// A crash or an endless loop in a driver, as tests ask for it.
fn fail_on_purpose() {
    if let Some(seconds) = fault("try-sleep") {
        std::thread::sleep(Duration::from_secs(seconds));
    }
    if fault::<u32>("try-abort").is_some() {
        std::process::abort();
    }
}

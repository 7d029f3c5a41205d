//! `impasto kernels --try`: a user's kernel, once or whenever its file is saved.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use impasto::ladder::{Effort, Ladder, ProblemSize, Record, Rung};
use impasto::profiler::{Roofs, Spread};
use impasto::{Error, Result};

use super::KernelsCommand;
use crate::cli::STOPPED;
use crate::cli::context::open_gpu;
use crate::cli::own_kernel::{End, Message, OwnKernel, Running, kill, supervise};
use crate::cli::terminal::{print, say};

/// Time between two looks at the file.
const LOOK: Duration = Duration::from_millis(50);

/// When a file was last saved, and its length: two saves within the resolution of the clock differ in it at least often.
type Stamp = Option<(SystemTime, u64)>;

fn stamp(file: &Path) -> Stamp {
    let data = std::fs::metadata(file).ok()?;
    Some((data.modified().ok()?, data.len()))
}

/// The shipped rungs, which are run once for all saves.
struct Shipped {
    gpu: impasto::gpu::Gpu,
    size: ProblemSize,
    roofs: Roofs,
    ladder: Ladder,
}

/// A session of trials.
pub struct Session<'a> {
    command: &'a KernelsCommand,
    running: Running,
    shipped: Option<Shipped>,
    /// Seconds of the last kernel that was timed.
    previous: Option<Spread>,
}

impl<'a> Session<'a> {
    pub fn new(command: &'a KernelsCommand) -> Self {
        Self { command, running: Running::default(), shipped: None, previous: None }
    }

    /// Tries the kernel, and with `--watch` again after each save.
    pub fn run(&mut self, file: &Path) -> Result<ExitCode> {
        let running = self.running.clone();
        ctrlc::set_handler(move || {
            kill(&running);
            std::process::exit(i32::from(STOPPED));
        })
        .map_err(|e| Error::Usage(format!("Ctrl-C cannot be handled: {e}")))?;
        if !self.command.own.watch {
            return self.attempt(file, stamp(file));
        }
        loop {
            let saved = stamp(file);
            match self.attempt(file, saved) {
                Err(error) => say(format_args!("error: {}", crate::cli::message(&error))),
                // What was saved meanwhile is tried at once.
                Ok(_) if stamp(file) != saved => {}
                Ok(_) => {
                    let next = format_args!("save {} to try it again; Ctrl-C ends", file.display());
                    self.command.common.say(next);
                }
            }
            while stamp(file) == saved || stamp(file).is_none() {
                std::thread::sleep(LOOK);
            }
        }
    }

    /// One trial of the file as it is now: its verdict, then the table.
    fn attempt(&mut self, file: &Path, saved: Stamp) -> Result<ExitCode> {
        let start = Instant::now();
        let own = OwnKernel::load(file, self.command.op_named(), self.command.own.pass)?;
        self.command.only_of(&[own.benchmark])?;
        // Timing is silent for as long as it takes.
        let limit = Duration::from_secs_f64(self.command.own.limit + self.command.seconds);
        let is_superseded = || self.command.own.watch && stamp(file).is_some_and(|now| Some(now) != saved);
        let mut result: Option<Rung> = None;
        let end =
            supervise(&self.running, &arguments(), limit, &is_superseded, &mut |message| match message {
                Message::Checked(rung, details) => {
                    print(&verdict(&own, &rung, &details, start.elapsed()))?;
                    result = Some(*rung);
                    Ok(())
                }
                Message::Timed(timed) => {
                    if let Some(rung) = &mut result {
                        (rung.passes, rung.untimed) = (timed.passes, timed.untimed);
                    }
                    Ok(())
                }
                Message::Step(_) => Ok(()),
            })?;
        if let Some(message) = end.failure(&own) {
            print(&format!("{}: {message}\n", own.name))?;
        }
        match (end, result) {
            (End::Superseded | End::Silent(..) | End::Crashed(..), _) => Ok(ExitCode::FAILURE),
            // The process said why on standard error.
            (End::Done(code), None) => Ok(ExitCode::from(code.max(1))),
            // One that is wrong is not timed, and has nothing to show beside the others.
            (End::Done(_), Some(rung)) if rung.passes.is_empty() => Ok(ExitCode::FAILURE),
            (End::Done(_), Some(rung)) => self.show(&own, rung),
        }
    }

    /// The table, with the shipped rungs.
    fn show(&mut self, own: &OwnKernel, rung: Rung) -> Result<ExitCode> {
        let command = self.command;
        let shipped = match self.shipped.take() {
            Some(shipped) => shipped,
            None => Shipped::run(command, own)?,
        };
        let mut ladder = shipped.ladder.clone();
        let seconds = rung.passes.first().map(|timing| timing.seconds);
        ladder.add(rung);
        let record = Record::new(&shipped.gpu, shipped.roofs, &shipped.size, vec![ladder]);
        self.shipped = Some(shipped);
        command.publish(&record)?;
        record.verdict()?;
        if let (Some(now), Some(before)) = (seconds, std::mem::replace(&mut self.previous, seconds)) {
            command.common.say(change(&own.name, now, before));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Shipped {
    fn run(command: &KernelsCommand, own: &OwnKernel) -> Result<Self> {
        let gpu = open_gpu(&command.common)?;
        let size = command.size(&gpu, &[own.benchmark]);
        own.benchmark.check(&gpu, &size)?;
        let kernels = command.choose_kernels(&gpu, &size, &[own.benchmark])?;
        let roofs = Roofs::measure(&gpu)?;
        let only = command.only_of(&[own.benchmark])?;
        let ladders =
            command.run_ladders(&gpu, &[own.benchmark], &size, &kernels, Effort { only, ..command.effort() });
        let ladder =
            ladders.into_iter().next().ok_or_else(|| Error::Internal { message: "no ladder".into() })?;
        Ok(Self { roofs: roofs.measured_again(&gpu), gpu, size, ladder })
    }
}

/// What a save changed.
fn change(name: &str, now: Spread, before: Spread) -> String {
    let [new, old] = [now, before].map(|seconds| 1e3 * seconds.median);
    let noise = if now.overlaps(&before) { ", the same within the spread" } else { "" };
    format!("{name}: {new:.3} ms; as it was before, {old:.3} ms{noise}")
}

/// The arguments of the process that runs the kernel: those of this one, and that it is that process.
fn arguments() -> Vec<OsString> {
    std::env::args_os().skip(1).chain([OsString::from("--try-here")]).collect()
}

/// The verdict on a kernel: one line, and where something is wrong what and where.
fn verdict(own: &OwnKernel, rung: &Rung, details: &str, took: Duration) -> String {
    let (name, took) = (&own.name, format!("{:.2} s", took.as_secs_f64()));
    match (&rung.untimed, &rung.check) {
        (Some(message), _) => format!("{name}: FAILED: {message}\n"),
        (None, Some(check)) => match &check.wrong {
            Some(wrong) => format!("{name}: WRONG: {wrong}\n{details}"),
            None => format!("{name}: right in all {} cases ({took})\n", check.cases),
        },
        (None, None) => format!("{name}: not checked\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_within_the_spread_is_none() {
        let spread = |low, median, high| Spread { low, median, high };
        let text = change("my.wgsl", spread(0.001, 0.002, 0.003), spread(0.0028, 0.003, 0.004));
        assert_eq!(text, "my.wgsl: 2.000 ms; as it was before, 3.000 ms, the same within the spread");
        let text = change("my.wgsl", spread(0.001, 0.002, 0.003), spread(0.004, 0.005, 0.006));
        assert_eq!(text, "my.wgsl: 2.000 ms; as it was before, 5.000 ms");
    }
}

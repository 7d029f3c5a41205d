//! `impasto selftest`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use impasto::Result;
use impasto::gpu::DeviceChoice;
use impasto::output::OutputFile;
use impasto::selftest::{self, Measure, Part};

use super::device::open_device;
use super::option;
use super::paths::path;
use super::terminal::print;

/// Arguments of `impasto selftest`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto selftest
  impasto selftest --device 1 --report report.json     the report to attach to a bug

Every variant of every kernel is compared with a reference in f64, forward and backward; losses and gradient of a small
painting with those of PyTorch; and Adam and L-BFGS paint a few steps, twice. If anything is wrong, the exit code is 1.")]
pub struct Selftest {
    /// Adapter to test: its index in 'impasto devices' or a part of its name
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceChoice>,

    /// Write what was found, with the device's driver, limits and features
    #[arg(long, value_name = "FILE.json", value_parser = path())]
    report: Option<PathBuf>,
}

impl Selftest {
    pub fn run(&self) -> Result<ExitCode> {
        let file = self.report.as_deref().map(OutputFile::of).transpose()?;
        file.as_ref().map_or(Ok(()), OutputFile::check_writable)?;
        let gpu = open_device(self.device.as_ref(), None)?;
        print(&format!("{}\n", gpu.adapter()))?;
        // A full disk does not end the test: the report and the verdict say the same.
        let report = selftest::run(&gpu, &mut |part, done| drop(show(part, done)));
        if let Some(file) = file {
            file.replace(|writer| writer.write_all(report.to_json().as_bytes()))?;
        }
        for part in report.faults() {
            let consequence = part.consequence.as_deref().unwrap_or_default();
            let remedy = part.remedy.as_ref().map(|remedy| format!("; use {}", remedy.words(&option)));
            print(&format!("{}: {consequence}{}\n", part.title(), remedy.unwrap_or_default()))?;
        }
        report.check()?;
        print(&format!("{} ({:.0} s)\n", report.verdict, report.seconds))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The name comes before the work, so that it is the last word where a driver takes the program down with it.
fn show(part: &Part, done: bool) -> Result<()> {
    match done {
        false => print(&format!("{:<34}", part.title())),
        true => print(&format!("{}\n", outcome(part))),
    }
}

fn outcome(part: &Part) -> String {
    if let Some(missing) = &part.missing {
        return format!("unsupported: needs {missing}");
    }
    if let Some(fault) = &part.fault {
        return format!("WRONG: {fault}");
    }
    let worst = part.measures.iter().max_by(|a, b| share(a).total_cmp(&share(b)));
    let off = worst.map(|worst| format!("off by {:.0e} of {:.0e}", worst.off, worst.allowed));
    format!("ok  {:<20}  {:.1} s", off.unwrap_or_default(), part.seconds)
}

/// How much of what is allowed a measure takes.
fn share(measure: &Measure) -> f64 {
    measure.off / measure.allowed.max(f64::MIN_POSITIVE)
}

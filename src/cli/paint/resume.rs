//! `impasto resume`, and what a checkpoint records of the command that it is of.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, FromArgMatches};
use impasto::gpu::DeviceChoice;
use impasto::painter::Checkpoint;
use impasto::vgg19::Kernels;
use impasto::{Error, Result};
use serde::{Deserialize, Serialize};

use super::view::ViewOptions;
use super::{Job, Paint};
use crate::cli::settings::{self, Settings};

/// Arguments of `impasto resume`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto paint photo.jpg painting.jpg -o image.png --checkpoint image.checkpoint
  impasto resume image.checkpoint
  impasto resume image.checkpoint --view

The image is the same to the byte as without a stop, on the same device. Files are looked for where the
first command named them, so go on from the same folder.")]
pub struct Resume {
    /// What 'paint --checkpoint' wrote
    checkpoint: PathBuf,

    #[command(flatten)]
    view: ViewOptions,
}

/// The command that a checkpoint is of.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    content: PathBuf,
    style: Vec<PathBuf>,
    output: PathBuf,
    log: Option<PathBuf>,
    save_every: Option<usize>,
    animate: Option<PathBuf>,
    checkpoint_every: usize,
    device: Option<String>,
    /// As `--memory` had it: another plan would give other bytes.
    memory: Option<u64>,
    quiet: bool,
    verbose: bool,
    settings: Settings,
    /// What each layer runs, as wishes: others would give other bytes.
    kernels: Vec<String>,
    /// Of all pictures.
    pub images: u64,
}

impl Record {
    /// The record of a painting, as JSON.
    pub fn json(paint: &Paint, job: &Job, kernels: &Kernels) -> Result<String> {
        let record = Self {
            content: paint.content.clone(),
            style: paint.style.clone(),
            output: paint.output.clone(),
            log: paint.log.clone(),
            save_every: paint.save_every,
            animate: paint.animate.clone(),
            checkpoint_every: paint.checkpoint_every,
            device: paint.common.device.as_ref().and_then(device),
            memory: paint.common.memory(),
            quiet: paint.common.quiet,
            verbose: paint.common.verbose,
            settings: job.settings.clone(),
            kernels: kernels.overrides().iter().map(ToString::to_string).collect(),
            images: job.fingerprint(),
        };
        serde_json::to_string(&record)
            .map_err(|e| Error::Usage(format!("the checkpoint cannot be made: {e}")))
    }

    /// The record in a checkpoint that was read from `file`.
    pub fn of(file: &Path, checkpoint: &Checkpoint) -> Result<Self> {
        serde_json::from_str(&checkpoint.note).map_err(|_| Error::Checkpoint {
            path: file.into(),
            reason: "is of another version of Impasto: go on with that one".into(),
        })
    }

    /// The command line, as if typed.
    fn line(&self, checkpoint: &Path) -> Vec<std::ffi::OsString> {
        let mut line: Vec<std::ffi::OsString> = ["impasto", "paint", "--checkpoint"].map(Into::into).into();
        line.push(checkpoint.into());
        line.extend(["--output".into(), self.output.clone().into()]);
        for (name, path) in [("--log", &self.log), ("--animate", &self.animate)] {
            line.extend(path.iter().flat_map(|path| [name.into(), path.clone().into()]));
        }
        let mut option = |name: &str, value: String| line.push(format!("--{name}={value}").into());
        self.settings.iter().for_each(|(name, value)| option(name, value.clone()));
        self.save_every.iter().for_each(|every| option("save-every", every.to_string()));
        self.device.iter().for_each(|device| option("device", device.clone()));
        self.memory.iter().for_each(|bytes| option("memory", format!("{bytes}B")));
        self.kernels.iter().for_each(|kernel_override| option("kernel", kernel_override.clone()));
        option("checkpoint-every", self.checkpoint_every.to_string());
        line.push("--no-tune".into());
        line.extend(self.quiet.then(|| "--quiet".into()));
        line.extend(self.verbose.then(|| "--verbose".into()));
        line.push("--".into());
        line.extend([&self.content].into_iter().chain(&self.style).map(|path| path.clone().into()));
        line
    }
}

/// What `--device` took.
fn device(choice: &DeviceChoice) -> Option<String> {
    match choice {
        DeviceChoice::Best => None,
        DeviceChoice::Index(index) => Some(index.to_string()),
        DeviceChoice::Name(name) => Some(name.clone()),
    }
}

impl Resume {
    pub fn run(self, command: &clap::Command) -> Result<ExitCode> {
        let file = &self.checkpoint;
        let checkpoint = Checkpoint::load(file)?;
        let line = Record::of(file, &checkpoint)?.line(file);
        let refuse = |e: clap::Error| {
            // The first line says what it is; the others show how to use the command line.
            let text = e.to_string();
            let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let reason = format!(
                "asks for what this version of Impasto does not know: {}",
                what.replace(char::is_control, " ")
            );
            Error::Checkpoint { path: file.clone(), reason }
        };
        let matches = command.clone().try_get_matches_from(line).map_err(refuse)?;
        let matches = matches.subcommand().map(|(_, matches)| matches.clone()).unwrap_or_default();
        let mut paint = Paint::from_arg_matches(&matches).map_err(refuse)?;
        paint.view = self.view;
        paint.resume(&settings::of(&matches), file, &checkpoint)
    }
}

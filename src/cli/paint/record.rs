//! What a checkpoint records of the painting's files and options.

use std::path::{Path, PathBuf};

use impasto::gpu::DeviceChoice;
use impasto::painter::Checkpoint;
use impasto::vgg19::Kernels;
use impasto::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{FileOptions, Job, Request};
use crate::cli::options::{CommonOptions, KernelOptions, PrecisionOption};
use crate::cli::settings::Settings;

/// The files and options of a painting, written to its checkpoints as JSON.
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
    /// The limit of `--memory` in bytes: another plan would give another picture.
    memory: Option<u64>,
    quiet: bool,
    verbose: bool,
    settings: Settings,
    /// The variant of each layer, as `--kernel` takes it: others would give another picture.
    kernels: Vec<String>,
    /// Earlier versions did not record it.
    #[serde(default)]
    precision: PrecisionOption,
    /// A checksum of all images.
    pub images: u64,
}

impl Record {
    /// The record of a painting, as JSON.
    ///
    /// # Errors
    /// [`Error::Usage`] for paths that are no Unicode text.
    pub fn json(request: &Request, job: &Job, kernels: &Kernels) -> Result<String> {
        let Request { files, common, .. } = request;
        let record = Self {
            content: request.content.clone(),
            style: request.styles.clone(),
            output: request.output.clone(),
            log: files.log.clone(),
            save_every: files.save_every,
            animate: files.animate.clone(),
            checkpoint_every: files.checkpoint_every,
            device: common.device.as_ref().and_then(device),
            memory: common.memory,
            quiet: common.quiet,
            verbose: common.verbose,
            settings: Settings::of(&request.painting)?,
            kernels: kernels.overrides().iter().map(ToString::to_string).collect(),
            precision: common.kernels.precision,
            images: job.fingerprint(),
        };
        serde_json::to_string(&record)
            .map_err(|e| Error::Usage(format!("the checkpoint cannot be written: {e}")))
    }

    /// The record in a checkpoint that was read from `file`.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if it is none of this version.
    pub fn of(file: &Path, checkpoint: &Checkpoint) -> Result<Self> {
        serde_json::from_str(&checkpoint.note).map_err(|_| Error::Checkpoint {
            path: file.into(),
            reason: "is of another version of Impasto: go on with that one".into(),
        })
    }

    /// The painting as it was asked for, with checkpoints in `file`.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming a setting or kernel that this version does not have.
    pub fn request(self, file: &Path) -> Result<Request> {
        let refuse = |reason: String| Error::Checkpoint { path: file.into(), reason };
        let painting = self.settings.options().map_err(refuse)?;
        let unknown = |e: Error| refuse(format!("has a kernel that cannot be used: {e}"));
        let kernel_overrides = self.kernels.iter().map(|text| text.parse().map_err(unknown));
        let kernels = KernelOptions {
            kernel_overrides: kernel_overrides.collect::<Result<_>>()?,
            precision: self.precision,
            no_tune: true,
        };
        Ok(Request {
            content: self.content,
            styles: self.style,
            output: self.output,
            painting,
            files: FileOptions {
                log: self.log,
                save_every: self.save_every,
                animate: self.animate,
                checkpoint: Some(file.into()),
                checkpoint_every: self.checkpoint_every.max(1),
                profile: false,
            },
            common: CommonOptions {
                device: self.device.map(|device| device.parse().unwrap_or_default()),
                memory: self.memory,
                quiet: self.quiet,
                verbose: self.verbose,
                kernels,
            },
            finished_only: false,
        })
    }
}

/// The text that `--device` took.
fn device(choice: &DeviceChoice) -> Option<String> {
    match choice {
        DeviceChoice::Best => None,
        DeviceChoice::Index(index) => Some(index.to_string()),
        DeviceChoice::Name(name) => Some(name.clone()),
    }
}

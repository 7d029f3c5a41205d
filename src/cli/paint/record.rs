//! What a checkpoint records of the painting's files and options.

use std::path::{Path, PathBuf};

use impasto::gpu::DeviceChoice;
use impasto::ops::variants::ComputePrecision;
use impasto::painter::Checkpoint;
use impasto::{Error, Result};
use serde::{Deserialize, Serialize};

use super::finder::{Finder, Moved};
use super::{FileOptions, Job, Request};
use crate::cli::computation::Computation;
use crate::cli::options::{CommonOptions, KernelOptions};
use crate::cli::paths::is_standard;
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
    pub checkpoint_every: usize,
    device: Option<String>,
    /// The limit of `--memory` in bytes: another plan would give another picture.
    memory: Option<u64>,
    quiet: bool,
    verbose: bool,
    settings: Settings,
    /// The variant of each layer, as `--kernel` takes it: others would give another picture.
    kernels: Vec<String>,
    /// Earlier versions had f32 only, or did not record it.
    #[serde(default)]
    precision: ComputePrecision,
    /// True if the checkpoints are automatic: the file is removed at the end.
    #[serde(default)]
    pub automatic: bool,
    /// The note of the picture.
    #[serde(default)]
    note: Option<String>,
    /// A checksum of all images.
    pub images: u64,
}

impl Record {
    /// The record of a painting in this precision, with these kernels and this note. Its paths are absolute, so that it can be resumed
    /// from another folder.
    ///
    /// # Errors
    /// [`Error::Usage`] for settings that JSON cannot hold.
    pub fn new(request: &Request, job: &Job, computation: &Computation, note: String) -> Result<Self> {
        let Request { files, common, .. } = request;
        let mut painting = request.painting.clone();
        painting.files_mut().into_iter().for_each(|(_, path)| *path = absolute(path));
        Ok(Self {
            content: absolute(&request.content),
            style: request.styles.iter().map(|path| absolute(path)).collect(),
            output: absolute(&request.output),
            log: files.log.as_deref().map(absolute),
            save_every: files.save_every,
            animate: files.animate.as_deref().map(absolute),
            checkpoint_every: files.checkpoint_every,
            device: common.device.as_ref().and_then(device),
            memory: common.memory,
            quiet: common.quiet,
            verbose: common.verbose,
            settings: Settings::of(&painting)?,
            kernels: computation.kernels.overrides().iter().map(ToString::to_string).collect(),
            precision: computation.precision,
            automatic: request.automatic_checkpoints,
            note: Some(note),
            images: job.fingerprint(),
        })
    }

    /// The record as JSON.
    ///
    /// # Errors
    /// [`Error::Usage`] for a path that is no Unicode text.
    pub fn json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| {
            Error::Usage(format!(
                "no checkpoint can be written: {e}; rename the file, or leave out --checkpoint"
            ))
        })
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

    /// The painting as it was asked for, with checkpoints in `file` and its images where they are now.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming a file that is missing, or a setting that this version does not have.
    pub fn request(self, file: &Path, moved: &Moved) -> Result<Request> {
        let refuse = |reason: String| Error::Checkpoint { path: file.into(), reason };
        let finder = Finder::new(file, &self.content);
        let mut painting = self.settings.clone().of_file().options().map_err(refuse)?;
        for (role, path) in painting.files_mut() {
            *path = finder
                .find(path, role)
                .map_err(|reason| refuse(format!("{reason} or put it beside the checkpoint")))?;
        }
        let kernels = KernelOptions {
            kernels: vec![],
            precision: self.precision.into(),
            no_tune: true,
            recorded: self.kernels,
        };
        Ok(Request {
            content: finder.content(&self.content, moved).map_err(refuse)?,
            styles: finder.styles(&self.style, moved).map_err(refuse)?,
            output: finder.output(&self.output),
            painting,
            files: FileOptions {
                log: self.log.as_deref().map(|path| finder.output(path)),
                save_every: self.save_every,
                animate: self.animate.as_deref().map(|path| finder.output(path)),
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
            note: self.note,
            finished_only: false,
            automatic_checkpoints: self.automatic,
        })
    }
}

/// The path from the root of the file system; standard input and output have none.
fn absolute(path: &Path) -> PathBuf {
    if is_standard(path) { path.into() } else { std::path::absolute(path).unwrap_or_else(|_| path.into()) }
}

/// The text that `--device` took.
fn device(choice: &DeviceChoice) -> Option<String> {
    match choice {
        DeviceChoice::Best => None,
        DeviceChoice::Index(index) => Some(index.to_string()),
        DeviceChoice::Name(name) => Some(name.clone()),
    }
}

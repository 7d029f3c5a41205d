//! `impasto resume`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use impasto::Result;
use impasto::painter::Checkpoint;

use super::{Job, Record, Sources, ViewOptions, paint};

/// Arguments of `impasto resume`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto paint photo.jpg painting.jpg -o image.png --checkpoint image.checkpoint
  impasto resume image.checkpoint
  impasto resume image.checkpoint --view

On the same device the picture is the same to the byte as without a stop. Files are looked for where the
first command named them, so go on from the same folder.")]
pub struct Resume {
    /// The file that 'paint --checkpoint' wrote
    checkpoint: PathBuf,

    #[command(flatten)]
    view: ViewOptions,
}

impl Resume {
    pub fn run(self) -> Result<ExitCode> {
        let file = &self.checkpoint;
        let checkpoint = Checkpoint::load(file)?;
        let request = Record::of(file, &checkpoint)?.request(file)?;
        let job = Job::prepare(&request, &Sources::load(&request)?)?;
        job.check_images(file, &Record::of(file, &checkpoint)?)?;
        paint(job, &request, &self.view, Some(&checkpoint))
    }
}

//! `impasto resume`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use impasto::Result;
use impasto::painter::Checkpoint;

use super::finder::Moved;
use super::{Job, Record, Sources, ViewOptions, paint};
use crate::cli::paths::path;

/// Arguments of `impasto resume`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto paint photo.jpg painting.jpg -o image.png --checkpoint image.checkpoint
  impasto resume image.checkpoint
  impasto resume image.checkpoint --content moved/photo.jpg --view

On the same device the picture is the same to the byte as without a stop. Images are looked for where they
were, and beside the checkpoint.")]
pub struct Resume {
    /// The file that 'paint --checkpoint' wrote, or that a long painting kept
    #[arg(value_parser = path())]
    checkpoint: PathBuf,

    /// The content image, if it has moved
    #[arg(long, value_name = "FILE", value_parser = path())]
    content: Option<PathBuf>,

    /// The style images that have moved, in their order; repeatable
    #[arg(long, value_name = "FILE", value_parser = path())]
    style: Vec<PathBuf>,

    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    view: ViewOptions,
}

impl Resume {
    pub fn run(self) -> Result<ExitCode> {
        let file = &self.checkpoint;
        let checkpoint = Checkpoint::load(file)?;
        let moved = Moved { content: self.content, styles: self.style };
        let mut request = Record::of(file, &checkpoint)?.request(file, &moved)?;
        if self.quiet {
            (request.common.quiet, request.common.verbose) = (true, false);
        }
        request.check_files(None)?;
        let job = Job::prepare(&request, &Sources::load(&request)?)?;
        job.check_images(file, &Record::of(file, &checkpoint)?)?;
        paint(job, &request, &self.view, Some(&checkpoint))
    }
}

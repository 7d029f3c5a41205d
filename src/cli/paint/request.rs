//! What a user asks of one painting: files and options, from a command line or from a checkpoint.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::options::{CommonOptions, PaintingOptions, at_least_one};

/// One painting as asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The content image.
    pub content: PathBuf,
    /// The style images, at least one.
    pub styles: Vec<PathBuf>,
    /// The picture to write.
    pub output: PathBuf,
    pub painting: PaintingOptions,
    pub files: FileOptions,
    pub common: CommonOptions,
    /// Under another name if it is not finished: its own name stands for a finished picture.
    pub finished_only: bool,
}

/// Files besides the picture, and what goes into them.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Files")]
pub struct FileOptions {
    /// Write the losses of every evaluation, one JSON object a line
    #[arg(long, value_name = "FILE.jsonl")]
    pub log: Option<PathBuf>,

    /// Save the best image so far after every N evaluations, as FILE-0000N.png and so on
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub save_every: Option<usize>,

    /// Make an animation of the images that --save-every saves: .gif, .webp, .png or .apng
    #[arg(long, value_name = "FILE", requires = "save_every")]
    pub animate: Option<PathBuf>,

    /// Write the state of the painting now and then and at Ctrl-C, for 'impasto resume'
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,

    /// Evaluations between two checkpoints
    #[arg(long, value_name = "N", default_value_t = Self::CHECKPOINT_EVERY, value_parser = at_least_one)]
    pub checkpoint_every: usize,

    /// Time the kernels of some evaluations and print the table of 'impasto profile' at the end
    #[arg(long)]
    pub profile: bool,
}

impl FileOptions {
    /// Evaluations between two checkpoints unless the user says otherwise.
    pub const CHECKPOINT_EVERY: usize = 50;

    /// No file but perhaps an image after every so many evaluations.
    pub fn images_only(save_every: Option<usize>) -> Self {
        Self {
            log: None,
            save_every,
            animate: None,
            checkpoint: None,
            checkpoint_every: Self::CHECKPOINT_EVERY,
            profile: false,
        }
    }
}

impl Request {
    /// The content image and the style images.
    pub fn images(&self) -> impl Iterator<Item = &Path> {
        [&self.content].into_iter().chain(&self.styles).map(PathBuf::as_path)
    }
}

//! What a user asks of one painting: files and options, from a command line or from a checkpoint.

use std::path::{Path, PathBuf};

use clap::Args;
use impasto::Result;

use crate::cli::file_roles::FileRoles;
use crate::cli::options::{CommonOptions, PaintingOptions, at_least_one};
use crate::cli::paths::path;

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
    /// The note of the picture; `None` for one made from these images and options. A painting that is resumed keeps
    /// its first note, wherever its files are now.
    pub note: Option<String>,
    /// Under another name if it is not finished: its own name stands for a finished picture.
    pub finished_only: bool,
    /// True if the checkpoint of `files` is automatic: it is removed at the end.
    pub automatic_checkpoints: bool,
}

/// Files that are written besides the picture.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Files")]
pub struct FileOptions {
    /// Write the losses of every evaluation as JSON lines
    #[arg(long, value_name = "FILE.jsonl", value_parser = path())]
    pub log: Option<PathBuf>,

    /// Save the image every N evaluations: FILE-0000N.png
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub save_every: Option<usize>,

    /// Make an animation of the images that --save-every saves: .gif, .webp, .png or .apng
    #[arg(long, value_name = "FILE", value_parser = path(), requires = "save_every", hide_short_help = true)]
    pub animate: Option<PathBuf>,

    /// Write the state of the painting, for 'impasto resume'
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub checkpoint: Option<PathBuf>,

    /// Evaluations between two checkpoints
    #[arg(long, value_name = "N", default_value_t = Self::CHECKPOINT_EVERY, value_parser = at_least_one, hide_short_help = true)]
    pub checkpoint_every: usize,

    /// Time the kernels of some evaluations and print the table of 'impasto profile' at the end
    #[arg(long, hide_short_help = true)]
    pub profile: bool,
}

impl FileOptions {
    /// Evaluations between two checkpoints unless the user says otherwise.
    pub const CHECKPOINT_EVERY: usize = 50;

    /// No files but an image after every `save_every` evaluations.
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
    /// Refuses an output that is an input or another output, before anything is read. `base` is the picture whose
    /// settings are used, if any.
    ///
    /// # Errors
    /// [`Error::Usage`](impasto::Error::Usage) naming the file.
    pub fn check_files(&self, base: Option<&PathBuf>) -> Result<()> {
        let inputs = FileRoles::default()
            .reads("the content image", [&self.content])
            .reads("a style image", &self.styles)
            .reads("the picture of --like", base);
        let inputs =
            self.painting.files().into_iter().fold(inputs, |files, (role, path)| files.reads(role, [path]));
        let FileOptions { log, animate, checkpoint, save_every, .. } = &self.files;
        inputs
            .writes("--output", [&self.output])
            .writes("--log", log)
            .writes("--animate", animate)
            .writes("--checkpoint", checkpoint)
            .writes_numbered(&self.output, *save_every)
            .check()
    }

    /// The content image and the style images.
    pub fn images(&self) -> impl Iterator<Item = &Path> {
        [&self.content].into_iter().chain(&self.styles).map(PathBuf::as_path)
    }
}

//! `impasto paint`

mod batch;
mod dry_run;
mod job;
mod resume;
mod session;
mod stop;
mod view;

pub use resume::Resume;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use impasto::Result;
use impasto::painter::Checkpoint;

use super::context::Context;
use super::options::{CommonOptions, PaintingOptions, at_least_one};
use super::presets;
use super::settings::Settings;
use batch::BatchOptions;
use job::{Job, Sources};
use resume::Record;
use session::Session;
use stop::stop_on_signal;
use view::ViewOptions;

/// What one painting reads and writes, besides the styles.
#[derive(Debug, Clone, Copy)]
struct Files<'a> {
    content: &'a Path,
    output: &'a Path,
}

/// Arguments of `impasto paint`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  impasto paint photo.jpg painting.jpg -o image.png
  impasto paint photo.jpg painting.jpg -o image.png --size 1024
  impasto paint photo.jpg painting.jpg -o image.png --ratio 1e-3          more style than content
  impasto paint photo.jpg one.jpg two.jpg -o image.png                    both styles, blended
  impasto paint photo.jpg painting.jpg -o image.png --style-layers conv1_1,conv2_1   fine texture only
  impasto paint photo.jpg painting.jpg -o image.png --init noise --seed 7
  impasto paint photo.jpg painting.jpg -o image.png --scales 1 --iterations 500 --optimizer lbfgs
  impasto paint --batch photos/ painting.jpg -o pictures/                   every image of a folder

PNG, JPEG, WebP, TIFF and BMP are read, PNG, JPEG, WebP and TIFF are written. Ctrl-C stops and writes
the image so far."
)]
pub struct Paint {
    /// The image to keep: what is in the picture. With --batch a folder of such images
    content: PathBuf,
    /// The images to imitate: how it is painted. Several are blended equally
    #[arg(required = true)]
    style: Vec<PathBuf>,

    /// Where the picture goes: .png, .jpg, .webp or .tif. With --batch a folder
    #[arg(short, long, value_name = "FILE|FOLDER")]
    output: PathBuf,

    /// Settings of a published program or paper, see 'impasto presets'; options beside it override it
    #[arg(long, value_name = "NAME", value_parser = presets::names())]
    preset: Option<String>,

    /// Settings of a picture that Impasto wrote as PNG; options beside it override them
    #[arg(long, value_name = "PICTURE.png", conflicts_with = "preset")]
    like: Option<PathBuf>,

    /// Write the losses of every evaluation, one JSON object a line
    #[arg(long, value_name = "FILE.jsonl")]
    log: Option<PathBuf>,

    /// Also save the best picture so far after every N evaluations, as FILE-0000N.png and so on
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    save_every: Option<usize>,

    /// Time the kernels of some evaluations and print the table of 'impasto profile' at the end
    #[arg(long)]
    profile: bool,

    /// Also make an animation of the frames that --save-every saves: .gif, .webp, .png or .apng
    #[arg(long, value_name = "FILE", requires = "save_every")]
    animate: Option<PathBuf>,

    /// Write all that it takes to go on into this file, now and then and at Ctrl-C: see 'impasto resume'
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,

    /// How many evaluations lie between two checkpoints
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = at_least_one)]
    checkpoint_every: usize,

    /// Only tell the plan: sizes, device, memory, and the time it may take from a short trial
    #[arg(long, conflicts_with = "view")]
    dry_run: bool,

    #[command(flatten)]
    view: ViewOptions,
    #[command(flatten)]
    batch: BatchOptions,
    #[command(flatten)]
    painting: PaintingOptions,
    #[command(flatten)]
    common: CommonOptions,
}

impl Paint {
    /// Paints; `settings` are what the picture is to remember.
    pub fn run(&self, settings: &Settings) -> Result<ExitCode> {
        if self.batch.batch {
            return batch::run(self, settings);
        }
        let job = self.job(settings)?;
        if self.dry_run {
            return dry_run::tell(&job, self);
        }
        self.work(job, None)
    }

    /// Goes on from a checkpoint of this very painting.
    pub fn resume(&self, settings: &Settings, file: &Path, checkpoint: &Checkpoint) -> Result<ExitCode> {
        let job = self.job(settings)?;
        job.check_images(file, &Record::of(file, checkpoint)?)?;
        self.work(job, Some(checkpoint))
    }

    /// The one painting of a command without `--batch`.
    fn job(&self, settings: &Settings) -> Result<Job> {
        self.painting.check(&self.style)?;
        let files = Files { content: &self.content, output: &self.output };
        Job::prepare(self, files, &Sources::load(self)?, settings)
    }

    /// Paints on a device of its own.
    fn work(&self, job: Job, from: Option<&Checkpoint>) -> Result<ExitCode> {
        let network = &self.painting.objective.network;
        let context = Context::open(network, &job.objective, job.size(), &self.common)?;
        let stop = stop_on_signal()?;
        let view = self.view.open(&self.common, &stop)?;
        view.iter().for_each(|view| view.begin("", job.schedule.iterations()));
        let end = Session::open(job, self, &context, stop, view.as_ref(), from)?.paint()?;
        Ok(end.code())
    }
}

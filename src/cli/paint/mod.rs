//! `impasto paint`, `impasto batch` and `impasto resume`.

mod batch;
mod batch_files;
mod batch_items;
mod checkpoints;
mod dry_run;
mod files;
mod finder;
mod interrupt;
mod record;
mod request;
mod rescue;
mod resume;
mod session;
mod view;

pub use batch::Batch;
pub use finder::Moved;
pub use interrupt::{StopFlag, stop_on_signal};
pub use record::Record;
pub use request::{FileOptions, Request};
pub use resume::Resume;
pub use session::End;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgMatches, Args};
use impasto::Result;
use impasto::painter::Checkpoint;

use super::context::Context;
use super::job::{Job, Sources};
use super::options::{CommonOptions, PAINTING_PRECISION, PaintingOptions};
use super::paths::{is_standard, path};
use super::settings::BaseOptions;
use super::studio::Live;
use super::terminal::open_command;
use session::Session;
use view::ViewOptions;

/// Arguments of `impasto paint`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    mut_arg("precision", |arg| arg.default_value(PAINTING_PRECISION)),
    after_help = "'impasto paint --help' shows all options, in groups, with examples.",
    after_long_help = "\
Examples:
  impasto paint photo.jpg painting.jpg -o image.png
  impasto paint photo.jpg painting.jpg -o image.png --size 1024
  impasto paint photo.jpg painting.jpg -o image.png --ratio 1e-3          more style than content
  impasto paint photo.jpg one.jpg two.jpg -o image.png                    both styles, blended
  impasto paint photo.jpg painting.jpg -o image.png --style-layers conv1_1,conv2_1   fine texture only
  impasto paint photo.jpg painting.jpg -o image.png --init noise --seed 7
  impasto paint photo.jpg painting.jpg -o image.png --scales 1 --iterations 500 --optimizer lbfgs

PNG, JPEG, WebP, TIFF, BMP and GIF are read, PNG, JPEG, WebP and TIFF are written. Ctrl-C stops and writes
the image so far. 'impasto batch' paints every image of a folder."
)]
pub struct Paint {
    /// The content image: what the picture shows
    #[arg(value_parser = path())]
    content: PathBuf,
    /// The style images: how it is painted. Several are averaged
    #[arg(required = true, value_parser = path())]
    style: Vec<PathBuf>,

    /// The picture to write: .png, .jpg, .webp or .tif
    #[arg(short, long, value_name = "FILE", value_parser = path())]
    output: PathBuf,

    #[command(flatten)]
    base: BaseOptions,

    /// Only print the plan: sizes, memory, expected time
    #[arg(long, conflicts_with = "view")]
    dry_run: bool,

    #[command(flatten)]
    view: ViewOptions,
    #[command(flatten)]
    files: FileOptions,
    #[command(flatten)]
    painting: PaintingOptions,
    #[command(flatten)]
    common: CommonOptions,
}

impl Paint {
    /// Paints. `matches` tells which options were typed.
    pub fn run(mut self, matches: &ArgMatches) -> Result<ExitCode> {
        let request = Request {
            painting: self.base.merge(&self.painting, &mut self.common, matches)?,
            content: self.content,
            styles: self.style,
            output: self.output,
            files: self.files,
            common: self.common,
            note: None,
            finished_only: false,
            automatic_checkpoints: false,
        };
        request.check_files(self.base.like.as_ref())?;
        let job = Job::prepare(&request, &Sources::load(&request)?)?;
        match self.dry_run {
            true => dry_run::print_plan(&job, &request),
            false => paint(job, &request, &self.view, None),
        }
    }
}

/// Paints on a device of its own, from the start or from a checkpoint.
fn paint(job: Job, request: &Request, view: &ViewOptions, from: Option<&Checkpoint>) -> Result<ExitCode> {
    let network = &request.painting.objective.network;
    let context = Context::open(network, &job.objective, job.schedule.painted_size(), &request.common)?;
    let stop = stop_on_signal()?;
    let view = view.open(context.gpu.adapter(), &request.common, &stop)?;
    let live = view.as_ref().map(|view| &*view.live);
    if let Some(live) = live {
        let name = request.content.file_stem().unwrap_or_default().to_string_lossy();
        live.begin(request.subject(&name)?);
    }
    let end = Session::open(job, request, &context, stop, live, from)?.paint()?;
    if matches!(end, End::Finished) && !is_standard(&request.output) {
        request.common.say(format_args!("open it with: {}", open_command(&request.output)));
    }
    Ok(end.code())
}

/// Paints for pages that watch, on a device of its own, from the start or from a checkpoint.
pub fn paint_request(
    request: &Request,
    stop: StopFlag,
    live: &Live,
    from: Option<&Checkpoint>,
) -> Result<End> {
    let job = Job::prepare(request, &Sources::load(request)?)?;
    let network = &request.painting.objective.network;
    let context = Context::open(network, &job.objective, job.schedule.painted_size(), &request.common)?;
    Session::open(job, request, &context, stop, Some(live), from)?.paint()
}

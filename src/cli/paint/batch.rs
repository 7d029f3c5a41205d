//! `impasto batch`: every image of a folder, on one device with one network and one set of style targets.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::{ArgMatches, Args};
use impasto::gpu::Gpu;
use impasto::objective::StyleCache;
use impasto::vgg19::Weights;
use impasto::{Error, Result};

use super::batch_files::Listing;
use super::batch_items::{FormatOption, Item, Shard, Styles, StylesOption, items};
use super::interrupt::{StopFlag, stop_on_signal};
use super::session::End;
use super::{FileOptions, Job, Request, Session, Sources, ViewOptions};
use crate::cli::computation::Computation;
use crate::cli::context::{Context, choose_kernels, load_and_open, network_with};
use crate::cli::file_roles::FileRoles;
use crate::cli::options::{CommonOptions, PAINTING_PRECISION, PaintingOptions, at_least_one};
use crate::cli::paths::path;
use crate::cli::settings::BaseOptions;
use crate::cli::studio::Live;
use crate::cli::terminal::say;
use crate::cli::{STOPPED, message};

/// Arguments of `impasto batch`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    mut_arg("precision", |arg| arg.default_value(PAINTING_PRECISION)),
    after_help = "\
Examples:
  impasto batch photos/ painting.jpg -o pictures/
  impasto batch photos/ painting.jpg -o pictures/ --preset paper --size 1024
  impasto batch photos/ painting.jpg -o pictures/ --shard 1/4        the first of four machines
  impasto batch photos/ styles/ -o pictures/                         every photo in every style
  impasto batch 'photos/*.jpg' styles/ -o pictures/ --styles pairs   the first photo in the first style, and so on

A picture that is in the output folder already is kept, so the same command continues a batch that was stopped."
)]
pub struct Batch {
    /// A folder of content images, or a quoted pattern such as 'photos/*.jpg'
    #[arg(value_parser = path())]
    folder: PathBuf,
    /// The style images: how they are painted. Several are averaged; those of a folder or a quoted pattern are used one
    /// by one
    #[arg(required = true, value_parser = path())]
    style: Vec<PathBuf>,

    /// How several styles are used [default: each for a folder or a pattern, blend otherwise]
    #[arg(long, value_enum, value_name = "HOW")]
    styles: Option<StylesOption>,

    /// The folder for the pictures
    #[arg(short, long, value_name = "FOLDER", value_parser = path())]
    output: PathBuf,

    #[command(flatten)]
    base: BaseOptions,

    /// Paint again what is in the output folder already
    #[arg(long)]
    overwrite: bool,

    /// Paint every N-th image from the I-th on: N machines, each with its own I, share a batch
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,

    /// Format of the pictures
    #[arg(long, value_enum, default_value_t = FormatOption::Png)]
    format: FormatOption,

    /// Save the image every N evaluations: FILE-0000N.png
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    save_every: Option<usize>,

    #[command(flatten)]
    view: ViewOptions,
    #[command(flatten)]
    painting: PaintingOptions,
    #[command(flatten)]
    common: CommonOptions,
}

/// A batch in progress.
struct Run<'a> {
    batch: &'a Batch,
    /// The painting of each item, but for its images and its output.
    request: Request,
    /// What was read for the last item's styles.
    sources: Option<(Vec<PathBuf>, Sources)>,
    weights: Weights,
    context: Option<Context>,
    gpu: Gpu,
    /// What was chosen for the last image's size.
    computation: Option<((u32, u32), Computation)>,
    stop: StopFlag,
}

/// Counts of images by how their painting ended.
#[derive(Debug, Default)]
struct Tally {
    painted: usize,
    kept: usize,
    failed: usize,
    stopped: bool,
}

impl Batch {
    /// Paints the images of the folder. A fault that concerns all of them is an error; a fault of one is
    /// reported, and the others are painted.
    pub fn run(mut self, matches: &ArgMatches) -> Result<ExitCode> {
        let painting = self.base.merge(&self.painting, &mut self.common, matches)?;
        let styles = Styles::of(&self.style, self.styles)?;
        painting.check(styles.of_one())?;
        let mut contents = Listing::of(&self.folder, "the first argument of batch is a folder of images")?;
        let images = std::mem::take(&mut contents.images);
        let items = items(&self.folder, images, &styles, &self.output, self.format, self.shard)?;
        self.check_files(&items, &styles, &painting)?;
        for listing in styles.left_out.iter().chain([&contents]) {
            listing.report(|line| self.common.say(line));
        }
        let mut run = Run::open(&self, painting, &styles)?;
        let view = self.view.open(run.gpu.adapter(), &self.common, &run.stop)?;
        let tally = run.paint_all(&items, view.as_ref().map(|view| &*view.live));
        self.common.say(tally.line(items.len()));
        Ok(tally.code())
    }

    /// No picture may replace a content image, a file of the options or another picture.
    fn check_files(&self, items: &[Item], styles: &Styles, painting: &PaintingOptions) -> Result<()> {
        let inputs = FileRoles::default()
            .reads("a content image", items.iter().map(|item| &item.content))
            .reads("a style image", &styles.images)
            .reads("the picture of --like", &self.base.like);
        let files = painting.files().into_iter();
        let files = files.fold(inputs, |inputs, (role, path)| inputs.reads(role, [path]));
        // An item with a rival is reported and skipped.
        let outputs = items.iter().filter(|item| item.rival.is_none()).map(|item| &item.output);
        let files = files.writes("the picture", outputs.clone());
        outputs.fold(files, |files, output| files.writes_numbered(output, self.save_every)).check()
    }
}

impl<'a> Run<'a> {
    /// Reads, checks and opens what every image needs.
    fn open(batch: &'a Batch, painting: PaintingOptions, styles: &Styles) -> Result<Self> {
        let request = Request {
            content: batch.folder.clone(),
            styles: styles.of_one().to_vec(),
            output: batch.output.clone(),
            painting,
            files: FileOptions::images_only(batch.save_every),
            common: batch.common.clone(),
            note: None,
            finished_only: true,
            automatic_checkpoints: false,
        };
        // With one blend for all, a style that cannot be read is the end of the batch.
        let sources = match styles.how {
            StylesOption::Blend => Some((request.styles.clone(), Sources::load(&request)?)),
            StylesOption::Each | StylesOption::Pairs => None,
        };
        let objective = &request.painting.objective;
        let (weights, gpu) = load_and_open(&objective.network, &objective.settings()?, &batch.common)?;
        let stop = stop_on_signal()?;
        Ok(Self { batch, request, sources, weights, context: None, gpu, computation: None, stop })
    }

    fn paint_all(&mut self, items: &[Item], live: Option<&Live>) -> Tally {
        let mut tally = Tally::default();
        for (k, item) in items.iter().enumerate() {
            if self.stop.load(Ordering::Relaxed) {
                tally.stopped = true;
                break;
            }
            let place = format!("{} of {}: {}", k + 1, items.len(), item.title);
            if item.rival.is_none() && item.output.exists() && !self.batch.overwrite {
                let output = item.output.display();
                self.batch.common.say(format_args!("{place}: {output} is there already"));
                tally.kept += 1;
                continue;
            }
            self.batch.common.say(&place);
            match self.paint_one(item, &place, live) {
                Ok(End::Finished) => tally.painted += 1,
                Ok(End::Stopped) => tally.stopped = true,
                // Without the device no other image can be painted either.
                Err(error @ Error::DeviceLost { .. }) => {
                    say(format_args!("error: {}", message(&error)));
                    tally.failed += 1;
                    break;
                }
                Err(error) => {
                    say(format_args!("error: {} (skipped)", message(&error)));
                    tally.failed += 1;
                }
            }
        }
        tally
    }

    /// `place` is the title in the live view.
    fn paint_one(&mut self, item: &Item, place: &str, live: Option<&Live>) -> Result<End> {
        if let Some(rival) = &item.rival {
            let output = item.output.display();
            let reason = format!("its picture would be {output}, as that of {rival}: rename one of the two");
            return Err(Error::Image { path: item.content.clone(), reason });
        }
        let Item { content, styles, output, .. } = item;
        let (content, styles, output) = (content.clone(), styles.clone(), output.clone());
        let request = Request { content, styles, output, ..self.request.clone() };
        let job = Job::prepare(&request, self.sources_for(&request)?)?;
        let stop = self.stop.clone();
        let context = self.context_for(job.schedule.painted_size())?;
        if let Some(live) = live {
            live.begin(request.subject(place)?);
        }
        Session::open(job, &request, context, stop, live, None)?.paint()
    }

    /// The images of the request besides its content: the last ones, if they are the same.
    fn sources_for(&mut self, request: &Request) -> Result<&Sources> {
        let sources = match self.sources.take().filter(|(styles, _)| *styles == request.styles) {
            Some(sources) => sources,
            None => (request.styles.clone(), Sources::load(request)?),
        };
        Ok(&self.sources.insert(sources).1)
    }

    /// A network with the kernels chosen for this size: the last one, if it has them.
    fn context_for(&mut self, size: (u32, u32)) -> Result<&Context> {
        let wanted = &self.request.painting.objective.network;
        let common = &self.batch.common;
        let computation = match self.computation.take().filter(|(chosen_for, _)| *chosen_for == size) {
            Some((_, computation)) => computation,
            None => choose_kernels(&self.gpu, size.into(), self.weights.deepest(), common)?,
        };
        let context = match self.context.take().filter(|context| context.computation() == computation) {
            Some(context) => context,
            None => {
                let network = network_with(&self.gpu, &self.weights, wanted, common, &computation)?;
                let (gpu, network, precision) = (self.gpu.clone(), Arc::new(network), computation.precision);
                Context { gpu, network, precision, styles: StyleCache::lasting() }
            }
        };
        self.computation = Some((size, computation));
        Ok(self.context.insert(context))
    }
}

impl Tally {
    fn line(&self, of: usize) -> String {
        let mut line = format!("{} of {of} painted", self.painted);
        if self.kept > 0 {
            line += &format!(", {} there already (--overwrite paints them again)", self.kept);
        }
        if self.failed > 0 {
            line += &format!(", {} skipped for errors", self.failed);
        }
        if self.stopped {
            line += "; stopped: the same command goes on";
        }
        line
    }

    fn code(&self) -> ExitCode {
        match self {
            Self { stopped: true, .. } => ExitCode::from(STOPPED),
            Self { failed: 1.., .. } => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        }
    }
}

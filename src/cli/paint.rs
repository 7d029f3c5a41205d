//! `impasto paint`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueEnum};
use impasto::gpu::Gpu;
use impasto::image_io::{Image, Size, check_output, check_output_fits};
use impasto::objective::{Objective, Settings, Targets, check_fits, check_pooling};
use impasto::optim::Method;
use impasto::painter::{Painter, Plan, Start};
use impasto::{Error, Result};

use super::common::{load_weights, open_gpu, open_network};
use super::log::Log;
use super::options::{CommonOptions, ObjectiveOptions};
use super::profile::{RunProfile, kernel_names};
use super::progress::Progress;

/// Arguments of `impasto paint`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  impasto paint photo.jpg painting.jpg -o picture.png
  impasto paint photo.jpg painting.jpg -o picture.png --size 1024 --iterations 500
  impasto paint photo.jpg painting.jpg -o picture.png --ratio 1e-4          more style than content
  impasto paint photo.jpg one.jpg two.jpg -o picture.png                    both styles, blended
  impasto paint photo.jpg painting.jpg -o picture.png --style-layers conv1_1,conv2_1   fine texture only
  impasto paint photo.jpg painting.jpg -o picture.png --init noise --seed 7

PNG, JPEG, WebP, TIFF and BMP are read, PNG, JPEG, WebP and TIFF are written. Ctrl-C stops and writes
the picture so far."
)]
pub struct Paint {
    /// The image to keep: what is in the picture
    content: PathBuf,
    /// The images to imitate: how it is painted. Several are blended equally
    #[arg(required = true)]
    style: Vec<PathBuf>,

    /// Where the picture goes: .png, .jpg, .webp or .tif
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Longer side of the picture in pixels, or 'full' for the size of the content image
    #[arg(long, value_name = "N|full", default_value = "512")]
    size: Size,

    /// Longer side of the style images, or 'full' [default: that of the picture]
    #[arg(long, value_name = "N|full")]
    style_size: Option<Size>,

    /// Evaluations of the objective
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = at_least_one)]
    iterations: usize,

    /// How the picture is improved
    #[arg(long, value_enum, default_value_t = OptimizerOption::Lbfgs)]
    optimizer: OptimizerOption,

    /// Step length [default: 1 for lbfgs, 2 for adam]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    lr: Option<f32>,

    /// Pairs that L-BFGS remembers
    #[arg(long, value_name = "N", default_value_t = 100)]
    history: u32,

    /// What to start from: 'content', 'noise', 'style', or an image file
    #[arg(long, value_name = "START", default_value = "content")]
    init: Start,

    /// Seed of the noise: the same seed on the same device gives the same picture
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Write the losses of every evaluation, one JSON object a line
    #[arg(long, value_name = "FILE.jsonl")]
    log: Option<PathBuf>,

    /// Also save the best picture so far after every N evaluations, as FILE-0000N.png and so on
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    save_every: Option<usize>,

    /// Time the kernels of some evaluations and print the table of 'impasto profile' at the end
    #[arg(long)]
    profile: bool,

    #[command(flatten)]
    objective: ObjectiveOptions,
    #[command(flatten)]
    common: CommonOptions,
}

/// L-BFGS or Adam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OptimizerOption {
    /// Quasi-Newton steps: the best picture for a number of evaluations
    Lbfgs,
    /// Steps of one length: less memory, and steadier
    Adam,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("give a whole number from 1 up".into()),
    }
}

/// Pictures and settings that were found fit to work with.
struct Inputs {
    content: Image,
    styles: Vec<Image>,
    start: Vec<f32>,
}

impl Paint {
    pub fn run(&self) -> Result<ExitCode> {
        let settings = self.objective.settings()?;
        let plan = self.plan()?;
        check_output(&self.output)?;
        let inputs = self.load(&settings)?;
        let weights = load_weights(&self.objective, &settings)?;
        let gpu = open_gpu(&self.common)?;
        self.check_limits(&gpu, &inputs, &settings)?;
        let mut profile = self.profile.then(|| RunProfile::begin(&gpu)).transpose()?;
        let mut log = self.log.as_deref().map(Log::create).transpose()?;

        let size = (inputs.content.width(), inputs.content.height());
        let network = open_network(&gpu, &weights, &self.objective, &self.common, size)?;
        let kernels = kernel_names(network.kernels(), settings.deepest());
        let targets = Targets::new(&gpu, &network, &settings, &inputs.content, &inputs.styles)?;
        let objective = Objective::new(&gpu, &network, &settings, &targets)?;
        let mut painter = Painter::new(&gpu, objective, plan, &inputs.start)?;
        let (width, height) = (inputs.content.width(), inputs.content.height());
        self.common.detail(format_args!("picture: {width} x {height}; memory: {}", gpu.memory()));

        if self.profile {
            painter.time_every(self.iterations.div_ceil(RunProfile::TIMED));
        }
        let stopped = self.paint(&mut painter, log.as_mut(), profile.as_mut())?;
        painter.picture()?.save(&self.output)?;
        if let Some(profile) = profile {
            eprint!("{}", profile.table(&gpu, &painter, &kernels, (width, height)));
        }
        self.common.say(format_args!("wrote {}", self.output.display()));
        Ok(if stopped { ExitCode::from(super::STOPPED) } else { ExitCode::SUCCESS })
    }

    fn plan(&self) -> Result<Plan> {
        let method = match self.optimizer {
            OptimizerOption::Adam => Method::Adam { lr: self.lr.unwrap_or(Method::ADAM_LR) },
            OptimizerOption::Lbfgs => {
                Method::Lbfgs { lr: self.lr.unwrap_or(Method::LBFGS_LR), history: self.history }
            }
        };
        method.check()?;
        Ok(Plan { method, iterations: self.iterations, pause_every: self.save_every })
    }

    /// Reads, scales and checks every picture.
    fn load(&self, settings: &Settings) -> Result<Inputs> {
        let content = Image::load(&self.content)?.resized(self.size)?;
        check_output_fits(&self.output, content.width(), content.height())?;
        check_pooling(&self.content, content.width(), content.height(), settings.deepest())?;
        let size = self.style_size.unwrap_or(Size::Longer(content.width().max(content.height())));
        let mut styles = vec![];
        for path in &self.style {
            let style = Image::load(path)?.resized(size)?;
            check_pooling(path, style.width(), style.height(), settings.deepest())?;
            styles.push(style);
        }
        let start = self.init.variable(&content, &styles[0], self.seed)?;
        Ok(Inputs { content, styles, start })
    }

    fn check_limits(&self, gpu: &Gpu, inputs: &Inputs, settings: &Settings) -> Result<()> {
        let deepest = settings.deepest();
        let Inputs { content, styles, .. } = inputs;
        check_fits(gpu, &self.content, "--size", content.width(), content.height(), deepest)?;
        for (path, style) in self.style.iter().zip(styles) {
            check_fits(gpu, path, "--style-size", style.width(), style.height(), deepest)?;
        }
        Ok(())
    }

    /// The loop; true if Ctrl-C ended it.
    fn paint(
        &self,
        painter: &mut Painter,
        mut log: Option<&mut Log>,
        mut profile: Option<&mut RunProfile>,
    ) -> Result<bool> {
        let stop = stop_on_signal()?;
        let mut progress = Progress::new(self.iterations, self.common.quiet);
        while let Some(evaluation) = painter.advance()? {
            progress.show(&evaluation);
            if let Some(profile) = &mut profile {
                profile.see(&evaluation);
            }
            let done = evaluation.iteration + 1;
            if evaluation.restarted {
                progress.note(&format!(
                    "evaluation {done}: the loss ran away; going on from the best picture so far"
                ));
            }
            if let Some(log) = &mut log {
                log.write(&evaluation)?;
            }
            if self.save_every.is_some_and(|every| done.is_multiple_of(every)) {
                painter.picture()?.save(numbered(&self.output, done))?;
            }
            if stop.load(Ordering::Relaxed) {
                progress.note(&format!("stopped after {done} of {} evaluations", self.iterations));
                progress.finish();
                return Ok(done < self.iterations);
            }
        }
        progress.finish();
        Ok(false)
    }
}

/// `picture.png` after 50 evaluations: `picture-00050.png`.
fn numbered(path: &Path, done: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("-{done:05}."));
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}

/// A flag that the first Ctrl-C (or SIGTERM) raises; the second ends the program at once.
fn stop_on_signal() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(super::STOPPED));
        }
    })
    .map_err(|e| Error::Usage(format!("Ctrl-C cannot be watched: {e}")))?;
    Ok(stop)
}

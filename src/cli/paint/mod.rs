//! `impasto paint`

mod inputs;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use impasto::image_io::check_output;
use impasto::painter::{Painter, Plan};
use impasto::{Error, Result};

use super::common::{load_weights, open_gpu, open_network};
use super::log::Log;
use super::options::{CommonOptions, PaintingOptions, at_least_one};
use super::profile::RunProfile;
use super::progress::Progress;
use inputs::{Inputs, Sources};

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
    painting: PaintingOptions,
    #[command(flatten)]
    common: CommonOptions,
}

impl Paint {
    pub fn run(&self) -> Result<ExitCode> {
        let objective = &self.painting.objective;
        let settings = objective.settings()?;
        let method = self.painting.method.method()?;
        let finish = self.painting.styles.finish()?;
        self.painting.sizes.check()?;
        self.painting.start.beginning()?;
        self.painting.styles.weights(&self.style)?;
        check_output(&self.output)?;
        let sources = Sources { content: self.content.clone(), styles: self.style.clone() };
        let inputs = Inputs::load(&sources, &self.painting, &settings, &self.output)?;
        let weights = load_weights(objective, &settings)?;
        let gpu = open_gpu(&self.common)?;
        inputs.check_limits(&gpu, &sources, &settings)?;
        let mut profile = self.profile.then(|| RunProfile::begin(&gpu)).transpose()?;
        let mut log = self.log.as_deref().map(Log::create).transpose()?;

        let Inputs { subject, schedule, start } = inputs;
        let (width, height) = (subject.content.width(), subject.content.height());
        let network = Arc::new(open_network(&gpu, &weights, objective, &self.common, (width, height))?);
        let kernels = network.kernels().to_string();
        let until = self.painting.method.until.map(f64::from);
        let pauses = self.save_every.into_iter().collect();
        let plan = Plan { settings, method, schedule, until, finish, pauses };
        let mut painter = Painter::new(&gpu, &network, subject, plan, &start)?;
        self.common.detail(format_args!("picture: {width} x {height}; memory: {}", gpu.memory()));

        if self.profile {
            painter.time_every(painter.schedule().iterations().div_ceil(RunProfile::TIMED));
        }
        let stopped = self.paint(&mut painter, log.as_mut(), profile.as_mut(), &kernels)?;
        painter.picture()?.save(&self.output)?;
        if let Some(profile) = profile {
            eprint!("{}", profile.table(&gpu, &painter, &kernels, (width, height)));
        }
        self.common.say(format_args!("wrote {}", self.output.display()));
        Ok(if stopped { ExitCode::from(super::STOPPED) } else { ExitCode::SUCCESS })
    }

    /// The loop; true if Ctrl-C ended it.
    fn paint(
        &self,
        painter: &mut Painter,
        mut log: Option<&mut Log>,
        mut profile: Option<&mut RunProfile>,
        kernels: &str,
    ) -> Result<bool> {
        let stop = stop_on_signal()?;
        let total = painter.schedule().iterations();
        let mut progress = Progress::new(painter.schedule(), self.common.quiet);
        let mut done = 0;
        while let Some(evaluation) = painter.advance()? {
            progress.show(&evaluation);
            if let Some(profile) = &mut profile {
                profile.see(&evaluation);
            }
            done = evaluation.iteration + 1;
            if evaluation.restarted {
                progress.note(&format!(
                    "evaluation {done}: the loss ran away; going on from the best picture so far"
                ));
            }
            if let Some(log) = &mut log {
                log.write(&evaluation, kernels)?;
            }
            if self.save_every.is_some_and(|every| done.is_multiple_of(every)) {
                painter.picture()?.save(numbered(&self.output, done))?;
            }
            if stop.load(Ordering::Relaxed) {
                progress.note(&format!("stopped after {done} of {total} evaluations"));
                progress.finish();
                return Ok(done < total);
            }
        }
        if done < total {
            progress.note(&format!("the loss stands still: ended after {done} of {total} evaluations"));
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

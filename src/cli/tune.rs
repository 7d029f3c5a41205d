//! `impasto tune`

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use impasto::Result;
use impasto::tuner::{Choice, Mode, Tuner};
use impasto::vgg19::LayerId;

use super::context::{open_gpu, say_choice};
use super::options::{CommonOptions, PAINTING_PRECISION};
use super::progress::TuningProgress;
use super::terminal::print;

/// Arguments of `impasto tune`.
#[derive(Debug, Args)]
#[command(mut_arg("precision", |arg| arg.default_value(PAINTING_PRECISION)), after_help = "\
Examples:
  impasto tune                    for images of 512 pixels
  impasto tune --size 1024
  impasto tune --precision f16    what is known of other sizes and precisions stays

Each command tunes by itself on a device's first use; this does it again. The choice is kept in the
user's cache folder, or in IMPASTO_CACHE_DIR.")]
pub struct Tune {
    /// Longer side of the images to tune for, in pixels
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=16384))]
    size: u32,

    #[command(flatten)]
    common: CommonOptions,
}

impl Tune {
    pub fn run(&self) -> Result<ExitCode> {
        let gpu = open_gpu(&self.common)?;
        let tuner = Tuner { mode: Mode::Fresh, ..self.common.kernels.tuner() };
        let start = Instant::now();
        let mut progress = TuningProgress::new(&self.common);
        let choice = tuner.choose(&gpu, [self.size; 2], LayerId::LAST, &mut |done, of, what| {
            progress.show(done, of, what)
        })?;
        progress.finish();
        say_choice(&gpu, &choice, &self.common);
        let seconds = start.elapsed().as_secs_f64();
        let Choice { timed, precision, kernels, .. } = choice;
        print(&format!("{timed} shapes timed in {seconds:.1} s; {precision}: {kernels}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}

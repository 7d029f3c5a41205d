//! Groups of options, one a file, which commands put together.

mod common;
mod kernels;
mod method;
mod network;
mod objective;
mod sizes;
mod start;
mod styles;

pub use common::{CommonOptions, memory_size};
pub use kernels::{KernelOptions, PrecisionOption};
pub use method::MethodOptions;
pub use network::{NetworkOption, NetworkOptions};
pub use objective::ObjectiveOptions;
pub use sizes::SizeOptions;
pub use start::StartOptions;
pub use styles::StyleOptions;

use std::path::PathBuf;

use clap::Args;
use impasto::Result;
use impasto::painter::{Plan, Schedule};

/// Defaults of a painting where they are others than those of the reference objective, which `score` and
/// `profile` have. `docs/src/guide/defaults.md` shows what they were chosen from.
pub const STYLE_WEIGHT: &str = "500";
const TV_WEIGHT: &str = "0.005";
const NETWORK: &str = "balanced";

/// Everything that decides, with the images, what a picture becomes.
#[derive(Debug, Args)]
#[command(
    mut_arg("style_weight", |arg| arg.default_value(STYLE_WEIGHT)),
    mut_arg("tv_weight", |arg| arg.default_value(TV_WEIGHT)),
    mut_arg("network", |arg| arg.default_value(NETWORK))
)]
pub struct PaintingOptions {
    #[command(flatten)]
    pub sizes: SizeOptions,
    #[command(flatten)]
    pub start: StartOptions,
    #[command(flatten)]
    pub styles: StyleOptions,
    #[command(flatten)]
    pub method: MethodOptions,
    #[command(flatten)]
    pub objective: ObjectiveOptions,
}

impl PaintingOptions {
    /// Finds what can never work, before any file is read.
    ///
    /// # Errors
    /// [`Error::Usage`](impasto::Error::Usage) naming the option.
    pub fn check(&self, styles: &[PathBuf]) -> Result<()> {
        self.objective.settings()?;
        self.method.method()?;
        self.sizes.check()?;
        self.start.initial_image()?;
        self.styles.finish()?;
        self.styles.weights(styles).map(|_| ())
    }

    /// The plan of a painting through these scales, in so many bytes of memory.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn plan(&self, schedule: Schedule, pauses: Vec<usize>, memory: Option<u64>) -> Result<Plan> {
        Ok(Plan {
            settings: self.objective.settings()?,
            method: self.method.method()?,
            schedule,
            tolerance: self.method.until.map(f64::from),
            finish: self.styles.finish()?,
            pauses,
            memory,
        })
    }
}

/// A number of evaluations, for options that do something after every so many.
pub fn at_least_one(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("give a whole number from 1 up".into()),
    }
}

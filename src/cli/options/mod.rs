//! Groups of options, one a file, which commands put together.

mod common;
mod kernels;
mod method;
mod objective;
mod sizes;
mod start;
mod styles;

pub use common::CommonOptions;
pub use kernels::KernelOptions;
pub use method::MethodOptions;
pub use objective::{NetworkOption, ObjectiveOptions};
pub use sizes::SizeOptions;
pub use start::StartOptions;
pub use styles::StyleOptions;

use clap::Args;

/// Everything that decides, with the images, what a picture becomes.
#[derive(Debug, Args)]
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

/// A number of evaluations, for options that do something after every so many.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("give a whole number from 1 up".into()),
    }
}

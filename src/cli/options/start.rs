//! What the first picture is.

use clap::Args;
use impasto::painter::Start;

/// Where the painting starts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Start")]
pub struct StartOptions {
    /// What to start from: 'content', 'noise', 'style', or an image file
    #[arg(long, value_name = "START", default_value = "content")]
    pub init: Start,

    /// Seed of the noise: the same seed on the same device gives the same picture
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

//! What the first picture is.

use clap::Args;
use impasto::Result;
use impasto::painter::{Beginning, Start};

/// Where the painting starts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Start")]
pub struct StartOptions {
    /// What to start from: 'content', 'noise', 'style', or an image file
    #[arg(long, value_name = "START", default_value = "content")]
    pub init: Start,

    /// Share of noise in what it starts from, 0 to 1
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_hyphen_values = true)]
    pub init_noise: f32,

    /// Seed of the noise: the same seed on the same device gives the same picture
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl StartOptions {
    /// The first picture as the library wants it.
    ///
    /// # Errors
    /// [`Error::Usage`](impasto::Error::Usage) for a share that cannot be.
    pub fn beginning(&self) -> Result<Beginning> {
        let beginning = Beginning { start: self.init.clone(), noise: self.init_noise, seed: self.seed };
        beginning.check()?;
        Ok(beginning)
    }
}

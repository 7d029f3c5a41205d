//! What the first picture is.

use clap::Args;
use impasto::Result;
use impasto::painter::{Beginning, Start};

/// Share of noise in the content: see `docs/defaults.md`.
const NOISE_IN_CONTENT: f32 = 0.5;

/// Where the painting starts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Start")]
pub struct StartOptions {
    /// What to start from: 'content', 'noise', 'style', or an image file
    #[arg(long, value_name = "START", default_value = "content")]
    pub init: Start,

    /// Share of noise in what it starts from, 0 to 1: if not given 0.5 in the content, and none in the others
    // Without noise there is nothing in flat walls and skies that strokes could grow from.
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub init_noise: Option<f32>,

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
        let noise =
            self.init_noise.unwrap_or(if self.init == Start::Content { NOISE_IN_CONTENT } else { 0.0 });
        let beginning = Beginning { start: self.init.clone(), noise, seed: self.seed };
        beginning.check()?;
        Ok(beginning)
    }
}

//! What the first picture is.

use std::str::FromStr;

use clap::Args;
use impasto::painter::{InitialImage, Start};
use impasto::{Error, Result};

/// Share of noise in the first picture. Written `auto` or a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Noise {
    /// [`IN_CONTENT`](Self::IN_CONTENT) in the content image, none in other starts.
    Auto,
    /// As given.
    Share(f32),
}

impl Noise {
    /// In flat walls and skies there is nothing that strokes could grow from: see `docs/src/guide/defaults.md`.
    const IN_CONTENT: f32 = 0.8;

    /// How much it is in such a start.
    fn share_in(self, start: &Start) -> f32 {
        match self {
            Self::Share(share) => share,
            Self::Auto if *start == Start::Content => Self::IN_CONTENT,
            Self::Auto => 0.0,
        }
    }
}

impl FromStr for Noise {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong =
            || Error::Usage(format!("'{text}' is no share of noise: give a number from 0 to 1, or 'auto'"));
        match text {
            "auto" => Ok(Self::Auto),
            _ => text.parse().map(Self::Share).map_err(|_| wrong()),
        }
    }
}

/// Where the painting starts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Start")]
pub struct StartOptions {
    /// What to start from: 'content', 'noise', 'style', or an image file
    #[arg(long, value_name = "START", default_value = "content")]
    pub init: Start,

    /// Share of noise in what it starts from, 0 to 1, or 'auto' for 0.8 in the content and none in the others
    #[arg(long, value_name = "X|auto", default_value = "auto", allow_hyphen_values = true)]
    pub init_noise: Noise,

    /// Seed of the noise: the same seed on the same device gives the same picture
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl StartOptions {
    /// The first picture as the library wants it.
    ///
    /// # Errors
    /// [`Error::Usage`](impasto::Error::Usage) for a share that cannot be.
    pub fn initial_image(&self) -> Result<InitialImage> {
        let noise = self.init_noise.share_in(&self.init);
        let initial_image = InitialImage { start: self.init.clone(), noise, seed: self.seed };
        initial_image.check()?;
        Ok(initial_image)
    }
}

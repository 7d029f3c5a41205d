//! The initial image of a painting.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result, Setting};
use crate::image_io::Image;
use crate::objective::to_variable;

/// The initial image without added noise. Written `content`, `noise`, `style` or a path.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// The content image.
    Content,
    /// Noise around the mean colour.
    Noise,
    /// The first style image, scaled to the size of the content.
    Style,
    /// An image file, scaled to the size of the content.
    File(PathBuf),
    /// An image, scaled to the size of the content.
    Image(Image),
}

impl std::str::FromStr for Start {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "content" => Self::Content,
            "noise" => Self::Noise,
            "style" => Self::Style,
            path => Self::File(path.into()),
        })
    }
}

impl std::fmt::Display for Start {
    /// Writes what `from_str` reads; an image in memory has no such form.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Content => f.write_str("content"),
            Self::Noise => f.write_str("noise"),
            Self::Style => f.write_str("style"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Image(image) => write!(f, "{} x {} pixels", image.width(), image.height()),
        }
    }
}

/// The initial image: a start blended with noise.
#[derive(Debug, Clone, PartialEq)]
pub struct InitialImage {
    /// The image without noise.
    pub start: Start,
    /// The share of noise, 0 to 1.
    pub noise: f32,
    /// Seed of the noise.
    pub seed: u64,
}

impl InitialImage {
    /// Checks the share of noise.
    ///
    /// # Errors
    /// [`Error::Setting`] for one outside 0 to 1.
    pub fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.noise) {
            return Ok(());
        }
        Err(Error::setting(Setting::InitNoise, format!("must be from 0 to 1, not {}", self.noise)))
    }

    /// The same with its file read by `read`.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn loaded(self, read: impl FnOnce(&Path) -> Result<Image>) -> Result<Self> {
        let start = match self.start {
            Start::File(path) => Start::Image(read(&path)?),
            other => other,
        };
        Ok(Self { start, ..self })
    }

    /// The variable `(1 - noise) * start + noise * normal noise`, of the size of `content`.
    ///
    /// # Errors
    /// As [`check`](Self::check) and [`Start::variable`].
    pub fn variable(&self, content: &Image, style: &Image) -> Result<Vec<f32>> {
        self.check()?;
        let start = self.start.variable(content, style, self.seed)?;
        if self.noise == 0.0 {
            return Ok(start);
        }
        let mixed = |(x, noise)| (1.0 - self.noise) * x + self.noise * noise;
        Ok(start.iter().zip(noise(start.len(), self.seed)).map(mixed).collect())
    }
}

impl Start {
    /// Standard deviation of the noise, in levels of 255 around the mean colour.
    const NOISE: f32 = 30.0;

    /// The variable, of the size of `content`. Only noise depends on `seed`.
    ///
    /// # Errors
    /// [`Error::Image`](crate::Error::Image) for a file that cannot be read.
    pub fn variable(&self, content: &Image, style: &Image, seed: u64) -> Result<Vec<f32>> {
        let scaled = |image: &Image| image.resized_to(content.width(), content.height());
        Ok(match self {
            Self::Content => to_variable(content),
            Self::Noise => noise(content.pixels().len(), seed),
            Self::Style => to_variable(&scaled(style)?),
            Self::File(path) => to_variable(&scaled(&Image::load(path)?)?),
            Self::Image(image) => to_variable(&scaled(image)?),
        })
    }
}

/// Normal noise by the method of Box & Muller (1958) from SplitMix64 (Steele, Lea & Flood 2014).
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut uniform = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // 24 bits, and never 0: the logarithm must be finite.
        ((z ^ (z >> 31)) >> 40) as f64 / f64::from(1 << 24) + 1e-9
    };
    let mut normal = move || (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
    (0..count).map(|_| Start::NOISE * normal() as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_normal_and_follows_the_seed() {
        let (a, b) = (noise(10_000, 1), noise(10_000, 2));
        assert_eq!(a, noise(10_000, 1));
        assert_ne!(a, b);
        let mean = a.iter().sum::<f32>() / 1e4;
        let deviation = (a.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 1e4).sqrt();
        assert!(mean.abs() < 1.0 && (deviation - Start::NOISE).abs() < 1.0, "{mean} {deviation}");
    }

    #[test]
    fn noise_is_blended_in() {
        let content = Image::from_rgb(3, 2, vec![10.0; 18]).unwrap();
        let variable = |noise: f32| {
            let initial_image = InitialImage { start: Start::Content, noise, seed: 4 };
            initial_image.variable(&content, &content)
        };
        let [none, half, all] = [0.0, 0.5, 1.0].map(|noise| variable(noise).unwrap());
        assert_eq!(none, to_variable(&content));
        assert_eq!(all, noise(18, 4));
        assert!((half[5] - (none[5] + all[5]) / 2.0).abs() < 1e-4);
        assert!(variable(1.5).unwrap_err().to_string().contains("init-noise"));
    }

    #[test]
    fn starts_have_the_size_of_the_content() {
        let content = Image::from_rgb(3, 2, vec![10.0; 18]).unwrap();
        let style = Image::from_rgb(5, 7, vec![200.0; 105]).unwrap();
        for text in ["content", "noise", "style"] {
            let start: Start = text.parse().unwrap();
            assert_eq!(start.variable(&content, &style, 0).unwrap().len(), 18);
        }
        let file: Start = "missing.png".parse().unwrap();
        let initial_image = InitialImage { start: file.clone(), noise: 0.0, seed: 0 };
        let loaded = initial_image.loaded(|path| Image::load(path));
        for error in [file.variable(&content, &style, 0).unwrap_err(), loaded.unwrap_err()] {
            assert!(error.to_string().contains("missing.png"), "{error}");
        }
        let variable = |start: Start| start.variable(&content, &style, 0).unwrap();
        assert_eq!(variable(Start::Image(style.clone())), variable(Start::Style));
    }
}

//! The initial image of a painting.

use std::path::{Path, PathBuf};

use super::noise::{NoiseShare, normal_noise, smooth_noise};
use crate::error::Result;
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
    /// The share of noise.
    pub noise: NoiseShare,
    /// Seed of the noise.
    pub seed: u64,
}

impl InitialImage {
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

    /// The variable `(1 - share) * start + share * smooth noise`, of the size of `content`. The share of noise at a
    /// pixel follows the contrast of `content` there.
    ///
    /// # Errors
    /// As [`NoiseShare::check`] and [`Start::variable`].
    pub fn variable(&self, content: &Image, style: &Image) -> Result<Vec<f32>> {
        self.noise.check()?;
        let mut x = self.start.variable(content, style, self.seed)?;
        if self.noise == NoiseShare::NONE {
            return Ok(x);
        }
        let shares = self.noise.at_pixels(content);
        // The same in each plane, so grey: what is left of coloured noise shows as specks.
        let noise = smooth_noise(content.width() as usize, content.height() as usize, self.seed);
        for (x, (noise, share)) in x.iter_mut().zip(noise.iter().zip(&shares).cycle()) {
            *x = (1.0 - share) * *x + share * noise;
        }
        Ok(x)
    }
}

impl Start {
    /// The variable, of the size of `content`. Only noise depends on `seed`.
    ///
    /// # Errors
    /// [`Error::Image`](crate::Error::Image) for a file that cannot be read.
    pub fn variable(&self, content: &Image, style: &Image, seed: u64) -> Result<Vec<f32>> {
        let scaled = |image: &Image| image.resized_to(content.width(), content.height());
        Ok(match self {
            Self::Content => to_variable(content),
            Self::Noise => normal_noise(content.pixels().len(), seed),
            Self::Style => to_variable(&scaled(style)?),
            Self::File(path) => to_variable(&scaled(&Image::load(path)?)?),
            Self::Image(image) => to_variable(&scaled(image)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_blended_in() {
        let content = Image::from_rgb(3, 2, vec![10.0; 18]).unwrap();
        let variable = |noise: f32| {
            let noise = NoiseShare::everywhere(noise);
            let initial_image = InitialImage { start: Start::Content, noise, seed: 4 };
            initial_image.variable(&content, &content)
        };
        let [none, half, all] = [0.0, 0.5, 1.0].map(|noise| variable(noise).unwrap());
        assert_eq!(none, to_variable(&content));
        assert_eq!(all, smooth_noise(3, 2, 4).repeat(3), "the same noise in each plane");
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
        let initial_image = InitialImage { start: file.clone(), noise: NoiseShare::NONE, seed: 0 };
        let loaded = initial_image.loaded(|path| Image::load(path));
        for error in [file.variable(&content, &style, 0).unwrap_err(), loaded.unwrap_err()] {
            assert!(error.to_string().contains("missing.png"), "{error}");
        }
        let variable = |start: Start| start.variable(&content, &style, 0).unwrap();
        assert_eq!(variable(Start::Image(style.clone())), variable(Start::Style));
    }
}

//! Noise in the initial image: its share at each pixel, by the local contrast of the image, and the noise itself.

use std::fmt;
use std::str::FromStr;

use super::flatness::flatness;
use crate::error::{Error, Result, Setting};
use crate::image_io::Image;

/// Share of noise in an initial image, 0 to 1: `detailed` where the image has contrast, `flat` where it has none.
///
/// A flat wall or sky has nothing that strokes could grow from, and stays bare without noise. Where the image has
/// detail of its own, noise hides it. Written `0.8`, or `0.2..0.8` for the two shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseShare {
    /// The share where the image has detail.
    pub detailed: f32,
    /// The share where the image is flat.
    pub flat: f32,
}

impl NoiseShare {
    /// No noise.
    pub const NONE: Self = Self::everywhere(0.0);

    /// The same share at every pixel.
    pub const fn everywhere(share: f32) -> Self {
        Self { detailed: share, flat: share }
    }

    /// Checks both shares.
    ///
    /// # Errors
    /// [`Error::Setting`] for one outside 0 to 1.
    pub fn check(&self) -> Result<()> {
        match [self.detailed, self.flat].into_iter().find(|share| !(0.0..=1.0).contains(share)) {
            None => Ok(()),
            Some(share) => {
                Err(Error::setting(Setting::InitNoise, format!("must be from 0 to 1, not {share}")))
            }
        }
    }

    /// The share at each pixel of `image`.
    pub(super) fn at_pixels(&self, image: &Image) -> Vec<f32> {
        if self.detailed == self.flat {
            return vec![self.flat; image.pixels().len() / 3];
        }
        let share = |flatness| self.detailed + (self.flat - self.detailed) * flatness;
        flatness(image).into_iter().map(share).collect()
    }
}

impl FromStr for NoiseShare {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |part: &str| {
            part.trim().parse().map_err(|_| {
                Error::Usage(format!(
                    "'{text}' is no share of noise: give a number from 0 to 1, or two as in 0.2..0.8"
                ))
            })
        };
        match text.split_once("..") {
            Some((detailed, flat)) => Ok(Self { detailed: number(detailed)?, flat: number(flat)? }),
            None => number(text).map(Self::everywhere),
        }
    }
}

impl fmt::Display for NoiseShare {
    /// Writes what `from_str` reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detailed == self.flat {
            true => write!(f, "{}", self.flat),
            false => write!(f, "{}..{}", self.detailed, self.flat),
        }
    }
}

/// Standard deviation of the noise, in levels of 255 around the mean colour.
const DEVIATION: f32 = 30.0;

/// Normal noise by the method of Box & Muller (1958) from SplitMix64 (Steele, Lea & Flood 2014).
pub(super) fn normal_noise(count: usize, seed: u64) -> Vec<f32> {
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
    (0..count).map(|_| DEVIATION * normal() as f32).collect()
}

/// Normal noise that is blurred by the binomial filter `[1 4 6 4 1] / 16` along rows and columns, and as strong as
/// without: strokes grow from it, and no ripples of two to four pixels.
pub(super) fn smooth_noise(width: usize, height: usize, seed: u64) -> Vec<f32> {
    let noise = normal_noise(width * height, seed);
    let along_rows = |i: usize, offset: isize| {
        let x = (i % width).saturating_add_signed(offset).min(width - 1);
        noise[i - i % width + x]
    };
    let rows: Vec<f32> = (0..noise.len()).map(|i| binomial(|offset| along_rows(i, offset))).collect();
    let along_columns = |i: usize, offset: isize| {
        let y = (i / width).saturating_add_signed(offset).min(height - 1);
        rows[y * width + i % width]
    };
    (0..rows.len()).map(|i| binomial(|offset| along_columns(i, offset))).collect()
}

/// The binomial filter in one direction, scaled to keep the deviation of white noise.
fn binomial(at: impl Fn(isize) -> f32) -> f32 {
    // The root of the sum of squares of the weights.
    const NORM: f32 = 8.366_6;
    (at(-2) + 4.0 * at(-1) + 6.0 * at(0) + 4.0 * at(1) + at(2)) / NORM
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::painter::flatness::tests::half_flat;

    #[test]
    fn noise_is_normal_and_follows_the_seed() {
        let (a, b) = (normal_noise(10_000, 1), normal_noise(10_000, 2));
        assert_eq!(a, normal_noise(10_000, 1));
        assert_ne!(a, b);
        let mean = a.iter().sum::<f32>() / 1e4;
        let deviation = (a.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 1e4).sqrt();
        assert!(mean.abs() < 1.0 && (deviation - DEVIATION).abs() < 1.0, "{mean} {deviation}");
    }

    #[test]
    fn smooth_noise_is_as_strong_and_has_no_short_waves() {
        let noise = smooth_noise(200, 100, 1);
        let deviation = (noise.iter().map(|v| v * v).sum::<f32>() / noise.len() as f32).sqrt();
        assert!((deviation - DEVIATION).abs() < 0.1 * DEVIATION, "{deviation}");
        // The mean square of differences between neighbours, over twice the mean square: 1 for white noise; by the
        // filter's own correlation, 1 - 56/70 along one axis.
        let pairs = noise.chunks(200).flat_map(|row| row.windows(2));
        let steps = pairs.clone().map(|pair| (pair[1] - pair[0]).powi(2)).sum::<f32>() / pairs.count() as f32;
        assert!((steps / (2.0 * deviation * deviation) - 0.2).abs() < 0.03, "{steps}");
    }

    #[test]
    fn flat_parts_get_more_noise() {
        let share = NoiseShare { detailed: 0.2, flat: 0.8 }.at_pixels(&half_flat());
        let at = |x: usize, y: usize| share[y * 128 + x];
        for y in [0, 50, 95] {
            assert!((at(10, y) - 0.8).abs() < 1e-3, "{}", at(10, y));
            assert!((at(120, y) - 0.2).abs() < 1e-3, "{}", at(120, y));
        }
        assert_eq!(NoiseShare::everywhere(0.3).at_pixels(&half_flat()), vec![0.3; 128 * 96]);
    }

    #[test]
    fn shares_are_read_and_written() {
        for text in ["0", "0.8", "0.2..0.8"] {
            let share: NoiseShare = text.parse().unwrap();
            share.check().unwrap();
            assert_eq!(share.to_string(), text);
        }
        for text in ["", "x", "0.1..", "..0.5", "1..x"] {
            assert!(text.parse::<NoiseShare>().unwrap_err().is_usage(), "{text}");
        }
        for text in ["1.5", "-0.1", "0.2..1.2", "NaN..0.3"] {
            let error = text.parse::<NoiseShare>().unwrap().check().unwrap_err();
            assert!(error.to_string().contains("init-noise"), "{error}");
        }
    }
}

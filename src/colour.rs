//! Transfer of colours between photograph and painting, and blends of the two.
//!
//! The methods are those of Gatys, Bethge, Hertzmann & Shechtman 2016, "Preserving color in neural
//! artistic style transfer" (arXiv:1606.05897), and of earlier programs.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::image_io::Image;

/// Which colours of the content a painting keeps. Written in lower case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeepColors {
    /// None: the colours are those of the style.
    #[default]
    None,
    /// The painting has its own brightness and the chrominance of the content: `U` and `V` of YUV.
    Luminance,
    /// Before painting, the histogram of each channel of the style is matched to the content's.
    Histogram,
    /// Before painting, the style's colours are transformed linearly so that their mean and covariance are
    /// the content's.
    Linear,
}

impl KeepColors {
    /// Every variant.
    pub const ALL: [Self; 4] = [Self::None, Self::Luminance, Self::Histogram, Self::Linear];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Luminance => "luminance",
            Self::Histogram => "histogram",
            Self::Linear => "linear",
        }
    }

    /// The style image with its colours changed as this variant says.
    ///
    /// # Errors
    /// [`Error::Image`] if a colour is not finite.
    pub fn prepare(self, style: &Image, content: &Image) -> Result<Image> {
        match self {
            Self::None | Self::Luminance => Ok(style.clone()),
            Self::Histogram => with_histogram_of(style, content),
            Self::Linear => with_covariance_of(style, content),
        }
    }

    /// The painted image with its colours changed as this variant says. `content` has the same size.
    ///
    /// # Errors
    /// [`Error::Image`] if a colour is not finite.
    pub fn finish(self, image: &Image, content: &Image) -> Result<Image> {
        match self {
            Self::Luminance => with_brightness_of(content, image),
            _ => Ok(image.clone()),
        }
    }
}

impl FromStr for KeepColors {
    type Err = Error;

    /// # Errors
    /// [`Error::Usage`] with the valid names.
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::Usage(format!("'{text}' is no method to keep colours: choose one of {names}"))
        })
    }
}

impl fmt::Display for KeepColors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `strength * image + (1 - strength) * content`, of two images of the same size.
///
/// # Errors
/// [`Error::Image`] if a colour is not finite.
pub fn blend(image: &Image, content: &Image, strength: f32) -> Result<Image> {
    let mixed = |(image, content): (&f32, &f32)| strength * image + (1.0 - strength) * content;
    let rgb = image.pixels().iter().zip(content.pixels()).map(mixed).collect();
    Image::from_rgb(image.width(), image.height(), rgb)
}

/// Luma `Y` of ITU-R BT.601, of red, green and blue on any scale.
pub fn luma(rgb: &[f32]) -> f32 {
    0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
}

/// `image` with the `Y` of `other`. In YUV each of red, green and blue is `Y` plus a term of U and V alone, so
/// replacing `Y` adds one number to all three.
fn with_brightness_of(image: &Image, other: &Image) -> Result<Image> {
    let pairs = image.pixels().chunks_exact(3).zip(other.pixels().chunks_exact(3));
    let rgb = pairs.flat_map(|(rgb, other)| {
        let change = luma(other) - luma(rgb);
        [0, 1, 2].map(|c| rgb[c] + change)
    });
    Image::from_rgb(image.width(), image.height(), rgb.collect())
}

/// Histogram matching: each channel of `image` is mapped so that a value becomes the one of the same quantile in
/// `other`.
fn with_histogram_of(image: &Image, other: &Image) -> Result<Image> {
    let sorted = |image: &Image, c: usize| {
        let mut values: Vec<f32> = image.pixels().iter().skip(c).step_by(3).copied().collect();
        values.sort_by(f32::total_cmp);
        values
    };
    let channels = [0, 1, 2].map(|c| (sorted(image, c), sorted(other, c)));
    let mapped = |(i, value): (usize, &f32)| {
        let (from, to) = &channels[i % 3];
        let below = from.partition_point(|v| v < value);
        let equal = from.partition_point(|v| v <= value) - below;
        // The middle of equal values: a flat channel becomes the median.
        let part = (below as f64 + equal as f64 / 2.0) / from.len() as f64;
        to[((part * to.len() as f64) as usize).min(to.len() - 1)]
    };
    let rgb = image.pixels().iter().enumerate().map(mapped).collect();
    Image::from_rgb(image.width(), image.height(), rgb)
}

type Vector = [f64; 3];
type Matrix = [[f64; 3]; 3];

/// `A (x - mean) + mean of other` with `A = C_other^(1/2) C^(-1/2)`: the transform with the least rotation
/// that gives `image` the mean and covariance `C` of `other`.
fn with_covariance_of(image: &Image, other: &Image) -> Result<Image> {
    let ((mean, covariance), (to_mean, to_covariance)) = (statistics(image), statistics(other));
    // Directions without spread, as in a grey style, must not be amplified: the standard deviation counts as at
    // least one level.
    let whiten = of_eigenvalues(&covariance, |value| 1.0 / value.max(1.0).sqrt());
    let colour = of_eigenvalues(&to_covariance, |value| value.max(0.0).sqrt());
    let transform: Matrix = from_fn(|i, j| (0..3).map(|k| colour[i][k] * whiten[k][j]).sum());
    let rgb = image.pixels().chunks_exact(3).flat_map(|rgb| {
        let moved = [0, 1, 2].map(|c| f64::from(rgb[c]) - mean[c]);
        [0, 1, 2].map(|i| (to_mean[i] + (0..3).map(|j| transform[i][j] * moved[j]).sum::<f64>()) as f32)
    });
    Image::from_rgb(image.width(), image.height(), rgb.collect())
}

/// Mean and covariance of the colours.
fn statistics(image: &Image) -> (Vector, Matrix) {
    let pixels = || image.pixels().chunks_exact(3).map(|rgb| [0, 1, 2].map(|c| f64::from(rgb[c])));
    let n = pixels().len() as f64;
    let mean: Vector = [0, 1, 2].map(|c| pixels().map(|p| p[c]).sum::<f64>() / n);
    let product = |i: usize, j: usize| pixels().map(|p| (p[i] - mean[i]) * (p[j] - mean[j])).sum::<f64>() / n;
    (mean, from_fn(product))
}

fn from_fn(f: impl Fn(usize, usize) -> f64) -> Matrix {
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| f(i, j)))
}

/// The symmetric matrix with the same eigenvectors and `f` of each eigenvalue.
fn of_eigenvalues(matrix: &Matrix, f: impl Fn(f64) -> f64) -> Matrix {
    let (values, vectors) = eigen(matrix);
    from_fn(|i, j| (0..3).map(|k| vectors[i][k] * f(values[k]) * vectors[j][k]).sum())
}

/// Eigenvalues of a symmetric matrix, and its eigenvectors as columns, by Jacobi's rotations (Golub &
/// Van Loan, section 8.5): each makes one pair of entries off the diagonal zero.
fn eigen(matrix: &Matrix) -> (Vector, Matrix) {
    let mut a = *matrix;
    let mut vectors: Matrix = from_fn(|i, j| f64::from(u8::from(i == j)));
    // Convergence is quadratic: a 3 x 3 matrix is diagonal to the last bit after five or six rounds.
    for _ in 0..10 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q] == 0.0 {
                continue;
            }
            let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
            let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
            let c = 1.0 / (t * t + 1.0).sqrt();
            let s = t * c;
            let rotate = |x: f64, y: f64| (c * x - s * y, s * x + c * y);
            (0..3).for_each(|k| (a[k][p], a[k][q]) = rotate(a[k][p], a[k][q]));
            (0..3).for_each(|k| (a[p][k], a[q][k]) = rotate(a[p][k], a[q][k]));
            (0..3).for_each(|k| (vectors[k][p], vectors[k][q]) = rotate(vectors[k][p], vectors[k][q]));
        }
    }
    ([a[0][0], a[1][1], a[2][2]], vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Colours around `mean` with different spreads, related to each other, inside 0..=255.
    fn image(seed: u32, mean: f64, spread: f64) -> Image {
        // A linear congruential generator, in [-1, 1).
        let mut state = seed;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 23) - 1.0
        };
        let rgb = (0..40 * 30).flat_map(|_| {
            let n = [(); 3].map(|()| noise());
            [mean + spread * n[0], mean + spread * (n[0] + n[1]) / 2.0, mean - spread * n[2] / 3.0]
        });
        Image::from_rgb(40, 30, rgb.map(|v| v as f32).collect()).unwrap()
    }

    fn differ(a: &(Vector, Matrix), b: &(Vector, Matrix)) -> f64 {
        let numbers =
            |s: &(Vector, Matrix)| s.0.into_iter().chain(s.1.into_iter().flatten()).collect::<Vec<_>>();
        numbers(a).iter().zip(numbers(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn linear_gives_the_style_the_contents_mean_and_covariance() {
        let (style, content) = (image(1, 90.0, 60.0), image(2, 140.0, 40.0));
        let done = KeepColors::Linear.prepare(&style, &content).unwrap();
        let (before, after) = (statistics(&style), statistics(&done));
        assert!(differ(&before, &statistics(&content)) > 50.0);
        assert!(differ(&after, &statistics(&content)) < 0.1, "{after:?}");
        // A grey style has no spread of colour to stretch, and stays finite.
        let grey = Image::from_rgb(2, 2, [10.0f32, 60.0, 200.0, 90.0].iter().flat_map(|v| [*v; 3]).collect());
        assert!(KeepColors::Linear.prepare(&grey.unwrap(), &content).is_ok());
    }

    #[test]
    fn histogram_gives_each_channel_the_contents_values() {
        let (style, content) = (image(1, 90.0, 60.0), image(2, 140.0, 40.0));
        let done = KeepColors::Histogram.prepare(&style, &content).unwrap();
        for c in 0..3 {
            let values = |image: &Image| {
                let mut values: Vec<f32> = image.pixels().iter().skip(c).step_by(3).copied().collect();
                values.sort_by(f32::total_cmp);
                values
            };
            let off =
                values(&done).iter().zip(values(&content)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1.0, "channel {c} is off by {off}");
        }
    }

    #[test]
    fn luminance_takes_brightness_from_the_painting_and_colour_from_the_content() {
        let (painted, content) = (image(1, 120.0, 20.0), image(2, 130.0, 30.0));
        let done = KeepColors::Luminance.finish(&painted, &content).unwrap();
        for ((done, painted), content) in done
            .pixels()
            .chunks_exact(3)
            .zip(painted.pixels().chunks_exact(3))
            .zip(content.pixels().chunks_exact(3))
        {
            assert!((luma(done) - luma(painted)).abs() < 1e-3);
            assert!(((done[0] - done[2]) - (content[0] - content[2])).abs() < 1e-3);
        }
        for other in [KeepColors::None, KeepColors::Histogram, KeepColors::Linear] {
            assert_eq!(other.finish(&painted, &content).unwrap(), painted);
        }
        assert_eq!(KeepColors::Luminance.prepare(&painted, &content).unwrap(), painted);
    }

    #[test]
    fn blends_lie_between_their_ends() {
        let (a, b) = (image(1, 120.0, 20.0), image(2, 130.0, 30.0));
        assert_eq!(blend(&a, &b, 1.0).unwrap(), a);
        assert_eq!(blend(&a, &b, 0.0).unwrap(), b);
        let half = blend(&a, &b, 0.5).unwrap();
        assert!((half.pixels()[7] - (a.pixels()[7] + b.pixels()[7]) / 2.0).abs() < 1e-4);
    }

    #[test]
    fn names_parse_and_print() {
        for choice in KeepColors::ALL {
            assert_eq!(choice.to_string().parse::<KeepColors>().unwrap(), choice);
        }
        let error = "hue".parse::<KeepColors>().unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("histogram"), "{error}");
    }
}

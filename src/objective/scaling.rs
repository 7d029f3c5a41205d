//! Normalisation of the loss terms. Programs differ in it, so their weights are not comparable.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::gpu::Shape;

/// The factor on each layer's mean squared error, for N maps of M positions. Written in lower case.
///
/// The weight of a term that is not a mean depends on the size of the image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scaling {
    /// Means: content `mean((F - P)^2)`, style `1000 / N^2 * mean((G - A)^2)`. The default, and the terms
    /// of the authors' notebook, of neural-style and of the PyTorch tutorial.
    #[default]
    Mean,
    /// Gatys, Ecker & Bethge (2016), equations 1 and 4: content `1/2 * sum((F - P)^2)`, style
    /// `1 / (4 N^2) * sum((G - A)^2)`.
    Paper,
    /// Udacity's notebook: content as in `Mean`, style `M / N * mean((G - A)^2)`.
    Area,
}

impl Scaling {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Mean, Self::Paper, Self::Area];

    fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Paper => "paper",
            Self::Area => "area",
        }
    }

    /// Factor on `mean((F - P)^2)` of a content layer's features.
    pub(super) fn content(self, features: Shape) -> f32 {
        match self {
            Self::Mean | Self::Area => 1.0,
            Self::Paper => features.len() as f32 / 2.0,
        }
    }

    /// Factor on `mean((G - A)^2)` of a style layer's features, a mean over N^2 elements.
    pub(super) fn style(self, features: Shape) -> f32 {
        match self {
            Self::Mean => 1000.0 / (features.channels * features.channels) as f32,
            Self::Paper => 0.25,
            Self::Area => features.positions() as f32 / features.channels as f32,
        }
    }
}

impl FromStr for Scaling {
    type Err = Error;

    /// # Errors
    /// [`Error::Usage`] with the names of all choices.
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::Usage(format!("'{text}' is no scaling: choose one of {names}"))
        })
    }
}

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the plain sums of squares that each convention is published with.
    #[test]
    fn factors_are_those_of_the_conventions() {
        let features = Shape::blocked(64, 6, 5);
        let (n, m) = (64.0, 30.0);
        // mean = sum / (N M) for features, sum / N^2 for a Gram matrix.
        let content = |scaling: Scaling| f64::from(scaling.content(features)) / (n * m);
        let style = |scaling: Scaling| f64::from(scaling.style(features)) / (n * n);
        let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-6, "{a} {b}");
        close(content(Scaling::Mean), 1.0 / (n * m));
        close(content(Scaling::Paper), 0.5);
        close(content(Scaling::Area), 1.0 / (n * m));
        close(style(Scaling::Mean), 1e3 / n.powi(4));
        close(style(Scaling::Paper), 1.0 / (4.0 * n * n));
        close(style(Scaling::Area), m / n.powi(3));
    }

    #[test]
    fn names_parse_and_print() {
        for choice in Scaling::ALL {
            assert_eq!(choice.to_string().parse::<Scaling>().unwrap(), choice);
        }
        assert!("sum".parse::<Scaling>().unwrap_err().to_string().contains("mean, paper, area"));
    }
}

//! Gradient normalisation, a term that two programs use for two different things.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// What becomes of the gradient of each loss term of a layer. Written in lower case.
///
/// The strength of a term is the weight of its kind times that of its layer; for style times 1000, which
/// [`Settings::style_weight`](super::Settings::style_weight) leaves out. These are the weights of both programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GradientNormalization {
    /// It stays what it is.
    #[default]
    None,
    /// neural-style: the gradient `g` of the term, without its strength `s`, with respect to the features of the layer
    /// becomes `s * g / (sum |g| + 1e-8)`. It is no longer the derivative of the loss, and needs the whole image at
    /// once.
    L1,
    /// neural-style-pt: the gradient of the term is `s * s` times that of the term without its strength, that is, weights
    /// count squared.
    SquaredStrength,
}

impl GradientNormalization {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::None, Self::L1, Self::SquaredStrength];

    /// What neural-style adds to a norm before it divides by it.
    pub(super) const FLOOR: f32 = 1e-8;

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::L1 => "neural-style",
            Self::SquaredStrength => "neural-style-pt",
        }
    }
}

impl FromStr for GradientNormalization {
    type Err = Error;

    /// # Errors
    /// [`Error::Usage`] with the names that there are.
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::Usage(format!("'{text}' is no normalisation of gradients: choose one of {names}"))
        })
    }
}

impl fmt::Display for GradientNormalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_and_print() {
        for choice in GradientNormalization::ALL {
            assert_eq!(choice.to_string().parse::<GradientNormalization>().unwrap(), choice);
        }
        let error = "l2".parse::<GradientNormalization>().unwrap_err().to_string();
        assert!(error.contains("none, neural-style, neural-style-pt"), "{error}");
    }
}

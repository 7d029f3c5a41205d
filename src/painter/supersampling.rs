//! Supersampling: a picture may be painted larger than it is shown.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::image_io::{Size, scaled_dimensions};

/// How many times larger a picture is painted before it is reduced, 1 to 4. Written as a number.
///
/// A stroke may be one pixel wide, which max pooling turns into ripples. Painted larger and reduced it has fewer jagged edges,
/// and the painting takes longer by the square of the factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Supersampling(f32);

impl Supersampling {
    /// As large as the picture.
    pub const NONE: Self = Self(1.0);
    /// What may be given.
    const LIMITS: std::ops::RangeInclusive<f32> = 1.0..=4.0;

    /// The factor.
    pub fn factor(self) -> f64 {
        f64::from(self.0)
    }

    /// Width and height at which a picture of a width and height is painted.
    pub fn painted_size(self, picture: (u32, u32)) -> (u32, u32) {
        scaled_by(self.factor(), picture)
    }
}

/// A width and height with the longer side `factor` times as long.
pub(super) fn scaled_by(factor: f64, (width, height): (u32, u32)) -> (u32, u32) {
    let longer = (f64::from(width.max(height)) * factor).round() as u32;
    scaled_dimensions(width, height, Size::Longer(longer))
}

impl FromStr for Supersampling {
    type Err = Error;

    /// Accepts a number from 1 to 4.
    ///
    /// # Errors
    /// [`Error::Usage`] for anything else.
    fn from_str(text: &str) -> Result<Self> {
        match text.parse() {
            Ok(factor) if Self::LIMITS.contains(&factor) => Ok(Self(factor)),
            _ => Err(Error::Usage(format!(
                "'{text}' is no supersampling: give a number from 1 to 4, how many times larger the picture is painted"
            ))),
        }
    }
}

impl fmt::Display for Supersampling {
    /// Writes the form that `from_str` parses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_number_from_1_to_4() {
        for text in ["1", "1.5", "4"] {
            assert_eq!(text.parse::<Supersampling>().unwrap().to_string(), text);
        }
        for text in ["", "0.9", "4.1", "NaN", "inf", "-1", "auto"] {
            let error = text.parse::<Supersampling>().unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("from 1 to 4"), "{error}");
        }
        assert_eq!("2".parse::<Supersampling>().unwrap().painted_size((257, 100)), (514, 200));
    }
}

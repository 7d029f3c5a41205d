//! Supersampling: small pictures are painted larger than they are shown.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::image_io::{Size, scaled_dimensions};

/// How many times larger a picture is painted before it is reduced. Written `auto` or a number from 1 to 4.
///
/// In a picture of 256 pixels a face may have 25, of which `conv4_2`, the content layer, sees three, and a stroke may be one
/// pixel wide, which max pooling turns into ripples. Painted larger and reduced, both come out clearer than when they are painted at
/// the picture's size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Supersampling {
    /// As many times as bring the longer side to [`ENOUGH`](Self::ENOUGH) pixels, at least 1 and at most [`MOST`](Self::MOST).
    Auto,
    /// As given.
    Times(f32),
}

impl Supersampling {
    /// Longer side in pixels from which on `auto` paints a picture as large as it is.
    pub const ENOUGH: u32 = 320;
    /// The largest factor of `auto`.
    pub const MOST: f64 = 1.25;
    /// As large as the picture.
    pub const NONE: Self = Self::Times(1.0);
    /// What may be given.
    const LIMITS: std::ops::RangeInclusive<f32> = 1.0..=4.0;

    /// The factor for a picture whose longer side is `longer`, in pixels.
    pub fn factor(self, longer: u32) -> f64 {
        match self {
            Self::Auto => (f64::from(Self::ENOUGH) / f64::from(longer)).clamp(1.0, Self::MOST),
            Self::Times(factor) => f64::from(factor),
        }
    }

    /// Width and height at which a picture of a width and height is painted.
    pub fn painted_size(self, picture: (u32, u32)) -> (u32, u32) {
        scaled_by(self.factor(picture.0.max(picture.1)), picture)
    }
}

/// A width and height with the longer side `factor` times as long.
pub(super) fn scaled_by(factor: f64, (width, height): (u32, u32)) -> (u32, u32) {
    let longer = (f64::from(width.max(height)) * factor).round() as u32;
    scaled_dimensions(width, height, Size::Longer(longer))
}

impl FromStr for Supersampling {
    type Err = Error;

    /// Accepts `auto`, or a number from 1 to 4.
    ///
    /// # Errors
    /// [`Error::Usage`] for anything else.
    fn from_str(text: &str) -> Result<Self> {
        match text.parse() {
            _ if text == "auto" => Ok(Self::Auto),
            Ok(factor) if Self::LIMITS.contains(&factor) => Ok(Self::Times(factor)),
            _ => Err(Error::Usage(format!(
                "'{text}' is no supersampling: give a number from 1 to 4, how many times larger the picture is painted, \
                 or 'auto'"
            ))),
        }
    }
}

impl fmt::Display for Supersampling {
    /// Writes the form that `from_str` parses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Times(factor) => write!(f, "{factor}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pictures_are_painted_larger() {
        for (longer, factor) in
            [(64, 1.25), (256, 1.25), (300, 320.0 / 300.0), (320, 1.0), (512, 1.0), (4096, 1.0)]
        {
            assert_eq!(Supersampling::Auto.factor(longer), factor, "{longer}");
        }
        assert_eq!(Supersampling::Times(2.0).factor(4096), 2.0);
        for picture in [(257, 100), (300, 300), (200, 319)] {
            let (width, height) = Supersampling::Auto.painted_size(picture);
            assert_eq!(width.max(height), 320, "{picture:?}");
        }
        assert_eq!(Supersampling::NONE.painted_size((257, 100)), (257, 100));
    }

    #[test]
    fn it_is_auto_or_a_number() {
        for text in ["auto", "1", "1.5", "4"] {
            assert_eq!(text.parse::<Supersampling>().unwrap().to_string(), text);
        }
        for text in ["", "0.9", "4.1", "NaN", "inf", "-1", "Auto"] {
            let error = text.parse::<Supersampling>().unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("from 1 to 4"), "{error}");
        }
    }
}

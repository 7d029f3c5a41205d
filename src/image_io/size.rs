//! How large to make an image.
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A wanted image size that keeps the aspect. Written `512` or `full`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// The longer side in pixels. 0 is treated as 1; parsing refuses it.
    Longer(u32),
    /// As large as the file is.
    Full,
}

impl FromStr for Size {
    type Err = Error;

    /// Accepts a whole number of pixels from 1 up, or `full`.
    ///
    /// # Errors
    /// [`Error::Usage`] for anything else.
    fn from_str(text: &str) -> Result<Self> {
        if text == "full" {
            return Ok(Self::Full);
        }
        // Digits only: u32's own parser would let "+512" through.
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(longer) if digits && longer > 0 => Ok(Self::Longer(longer)),
            _ => Err(Error::Usage(format!(
                "size '{text}' is not valid: give the longer side in pixels as a whole number \
                 from 1 up, or 'full' for the size of the file"
            ))),
        }
    }
}

impl fmt::Display for Size {
    /// Writes what [`Size::from_str`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Longer(pixels) => write!(f, "{pixels}"),
            Self::Full => f.write_str("full"),
        }
    }
}

/// `(width, height)` in pixels of a `width` x `height` image scaled to `size`: the longer side
/// exact, the other rounded to the nearest pixel (halves up), neither below 1.
pub fn scaled_dimensions(width: u32, height: u32, size: Size) -> (u32, u32) {
    let Size::Longer(longer) = size else {
        return (width.max(1), height.max(1));
    };
    let (target, from) = (u64::from(longer.max(1)), u64::from(width.max(height).max(1)));
    let scale = |side: u32| {
        // side <= from, so the result is at most target and fits.
        let rounded =
            ((2 * u128::from(side) * u128::from(target) + u128::from(from)) / (2 * u128::from(from))) as u32;
        rounded.max(1)
    };
    (scale(width), scale(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_parse_and_print() {
        assert_eq!("512".parse::<Size>().unwrap(), Size::Longer(512));
        assert_eq!("full".parse::<Size>().unwrap(), Size::Full);
        for text in ["512", "1", "full"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        for text in ["0", "", "-3", "+512", "1.5", "Full", "5e2", "99999999999", "512px", " 512"] {
            let error = text.parse::<Size>().unwrap_err();
            assert!(error.is_usage());
            assert!(error.to_string().contains("from 1 up, or 'full'"), "{error}");
        }
    }

    #[test]
    fn the_aspect_is_kept_to_the_nearest_pixel() {
        let to = |w, h, n| scaled_dimensions(w, h, Size::Longer(n));
        assert_eq!(to(4000, 3000, 512), (512, 384));
        assert_eq!(to(3000, 4000, 512), (384, 512));
        assert_eq!(to(3, 2, 512), (512, 341));
        assert_eq!(to(640, 333, 320), (320, 167)); // 166.5
        assert_eq!(to(3, 5000, 512), (1, 512));
        assert_eq!(to(1, 1, 1), (1, 1));
        assert_eq!(to(10, 7, 10), (10, 7));
        assert_eq!(to(u32::MAX, 1, u32::MAX), (u32::MAX, 1));
        assert_eq!(to(u32::MAX, u32::MAX, u32::MAX), (u32::MAX, u32::MAX));
        assert_eq!(scaled_dimensions(640, 333, Size::Full), (640, 333));
    }
}

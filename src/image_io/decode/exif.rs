//! What the EXIF data of an image says of its pixels.

use image::metadata::Orientation;

use super::profile::Colours;
use super::tiff::directory::{Directory, File, tag};

/// EXIF data (CIPA DC-008), which has the form of a TIFF file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Exif {
    /// How to turn the image upright; as it is where the file does not say or its EXIF is broken.
    pub(super) orientation: Orientation,
    /// Whether its colours are those of Adobe RGB (1998).
    pub(super) adobe_rgb: bool,
}

impl Exif {
    /// Reads EXIF data, if there is any.
    pub(super) fn of(bytes: Option<&[u8]>) -> Self {
        // Some writers put JPEG's prefix in front of the EXIF of PNG and WebP too.
        let body = bytes.map(|bytes| bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes));
        let file = body.filter(|body| super::tiff::is_tiff(body)).and_then(File::of);
        let first = file.as_ref().and_then(|file| file.directory(file.first_directory()));
        match (file, first) {
            (Some(file), Some(first)) => Self {
                orientation: orientation(&file, &first),
                adobe_rgb: is_adobe_rgb(&file, &first).unwrap_or(false),
            },
            _ => Self { orientation: Orientation::NoTransforms, adobe_rgb: false },
        }
    }

    /// What it says of the colours.
    pub(super) fn colours(self) -> Colours {
        if self.adobe_rgb { Colours::AdobeRgb } else { Colours::Srgb }
    }
}

/// How to turn the image of a directory upright.
pub(super) fn orientation(file: &File, directory: &Directory) -> Orientation {
    let number = file.integer(directory, tag::ORIENTATION).unwrap_or(1).min(255) as u8;
    Orientation::from_exif(number).unwrap_or(Orientation::NoTransforms)
}

/// Whether the EXIF directory that a directory points to names Adobe RGB: no standard colour space, and the
/// interoperability index R03 (DCF 2.0). Some cameras write a 2 for the colour space instead.
pub(super) fn is_adobe_rgb(file: &File, directory: &Directory) -> Option<bool> {
    const ADOBE: u64 = 2;
    const UNCALIBRATED: u64 = 65_535;
    let exif = file.directory(file.integer(directory, tag::EXIF)?)?;
    let space = file.integer(&exif, tag::COLOUR_SPACE)?;
    if space != UNCALIBRATED {
        return Some(space == ADOBE);
    }
    let interoperability = file.directory(file.integer(&exif, tag::INTEROPERABILITY)?)?;
    Some(file.raw(&interoperability, tag::INTEROPERABILITY_INDEX)?.starts_with(b"R03"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Big-endian EXIF: an orientation, a directory with a colour space, and one with an index.
    fn exif(space: u8, index: &[u8; 4]) -> Vec<u8> {
        let entry = |tag: u16, kind: u8, count: u8, value: [u8; 4]| {
            [&tag.to_be_bytes()[..], &[0, kind, 0, 0, 0, count], &value].concat()
        };
        let directory =
            |entries: &[Vec<u8>]| [&[0, entries.len() as u8][..], &entries.concat(), &[0; 4]].concat();
        let first = directory(&[entry(0x112, 3, 1, [0, 3, 0, 0]), entry(0x8769, 4, 1, [0, 0, 0, 38])]);
        let space = if space == 255 { [255, 255, 0, 0] } else { [0, space, 0, 0] };
        let second = directory(&[entry(0xA001, 3, 1, space), entry(0xA005, 4, 1, [0, 0, 0, 68])]);
        [&b"MM\0\x2a\0\0\0\x08"[..], &first, &second, &directory(&[entry(1, 2, 4, *index)])].concat()
    }

    #[test]
    fn adobe_rgb_is_told_from_srgb() {
        for (space, index, adobe_rgb) in
            [(255, b"R03\0", true), (255, b"R98\0", false), (1, b"R98\0", false), (2, b"R98\0", true)]
        {
            let wanted = Exif { orientation: Orientation::Rotate180, adobe_rgb };
            assert_eq!(Exif::of(Some(&exif(space, index))), wanted, "{space} {index:?}");
            assert_eq!(Exif::of(Some(&[b"Exif\0\0", &exif(space, index)[..]].concat())), wanted);
        }
        for cut in 0..80 {
            assert!(!Exif::of(Some(&exif(255, b"R03\0")[..cut])).adobe_rgb);
        }
    }
}

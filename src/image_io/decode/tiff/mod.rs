//! TIFF (Adobe, TIFF 6.0, and its supplements) and BigTIFF.
//!
//! The decoder of the crate `image` knows no palettes, CIELab, chroma subsampling, other depths than 1, 8 and 16
//! bits, or grey floats, and takes the first directory for the image. So the directories and samples are read
//! here, and crates only unpack what is compressed.

use super::exif::{is_adobe_rgb, orientation};
use super::{Colours, Model, Outcome, Raster, Samples};
use super::{check_pixels, damaged, foreign, unsupported};

mod chunks;
mod colour;
pub(super) mod directory;
mod fax;
mod layout;
mod samples;

use directory::{Directory, File, tag};
use layout::{Layout, Photometric};

/// Of more directories than these only the first are looked at.
const MOST_DIRECTORIES: usize = 256;

/// True for the first bytes of a TIFF or BigTIFF file.
pub(super) fn is_tiff(bytes: &[u8]) -> bool {
    [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| bytes.starts_with(*magic))
}

/// The image of a TIFF file: that of the first directory or, where it is a preview, the largest.
pub(super) fn decode(bytes: &[u8]) -> Outcome<Raster> {
    let file = File::of(bytes).ok_or_else(|| damaged("TIFF", "its header is cut off"))?;
    let directories = directories(&file);
    if directories.iter().any(|d| is_raw(&file, d)) {
        return Err(foreign::raw());
    }
    let directory = choose(&file, &directories).ok_or_else(|| damaged("TIFF", "it has no directory"))?;
    let layout = Layout::of(&file, directory)?;
    let samples = samples::read(&file, &layout)?;
    // A preview that comes first carries what holds for all.
    let said = [directory, &directories[0]].into_iter().find_map(|d| colours(&file, d));
    let colours = match layout.photometric {
        Photometric::Lab { .. } => Colours::Srgb,
        _ => said.unwrap_or(Colours::Srgb),
    };
    Ok(Raster { colours, ..colour::raster(&layout, samples)? })
}

/// What a directory says of its colours.
fn colours(file: &File, directory: &Directory) -> Option<Colours> {
    let icc = file.raw(directory, tag::ICC_PROFILE).map(|icc| Colours::Icc(icc.to_vec()));
    icc.or_else(|| is_adobe_rgb(file, directory)?.then_some(Colours::AdobeRgb))
}

/// The directories of the file in their order, each followed by those below it.
fn directories(file: &File) -> Vec<Directory> {
    let mut found: Vec<Directory> = vec![];
    let mut next = vec![file.first_directory()];
    while let Some(at) = next.pop().filter(|_| found.len() < MOST_DIRECTORIES) {
        if at == 0 || found.iter().any(|d| d.at == at) {
            continue;
        }
        let Some(directory) = file.directory(at) else { continue };
        next.push(directory.next);
        let below = file.integers(&directory, tag::SUB_IFDS).unwrap_or_default();
        next.extend(below.into_iter().take(MOST_DIRECTORIES).rev());
        found.push(directory);
    }
    found
}

/// True for a directory of a raw file: sensor data, or the version of Adobe's digital negative.
fn is_raw(file: &File, directory: &Directory) -> bool {
    const COLOUR_FILTER_ARRAY: u64 = 32_803;
    const LINEAR_RAW: u64 = 34_892;
    let photometric = file.integer(directory, tag::PHOTOMETRIC);
    matches!(photometric, Some(COLOUR_FILTER_ARRAY | LINEAR_RAW)) || directory.has(tag::DNG_VERSION)
}

/// The directory of the image.
fn choose<'a>(file: &File, directories: &'a [Directory]) -> Option<&'a Directory> {
    const REDUCED: u64 = 1;
    const MASK: u64 = 4;
    let kind = |d: &Directory| match file.integer(d, tag::OLD_SUBFILE_TYPE) {
        Some(2) => REDUCED,
        _ => file.integer(d, tag::SUBFILE_TYPE).unwrap_or(0),
    };
    let side = |d: &Directory, tag| file.integer(d, tag).unwrap_or(0);
    let pixels = |d: &Directory| side(d, tag::WIDTH).saturating_mul(side(d, tag::HEIGHT));
    let first = directories.first()?;
    if kind(first) & (REDUCED | MASK) == 0 {
        return Some(first);
    }
    // Of several that are as large, the first.
    directories.iter().rev().filter(|d| kind(d) & MASK == 0).max_by_key(|d| pixels(d)).or(Some(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A little-endian TIFF of one directory of SHORTs, with eight bytes of pixels at offset 8.
    fn tiff(tags: &[(u16, u16)]) -> Vec<u8> {
        let mut file = b"II*\0\x10\0\0\0\0\x20\x40\x60\x80\xA0\xC0\xE0".to_vec();
        file.extend((tags.len() as u16).to_le_bytes());
        for (tag, value) in tags {
            file.extend(tag.to_le_bytes().iter().chain(&[3, 0, 1, 0, 0, 0]).chain(&value.to_le_bytes()));
            file.extend([0; 2]);
        }
        file.extend([0; 4]);
        file
    }

    /// The tags of eight grey pixels in two rows, some of them replaced.
    fn grey(replaced: &[(u16, u16)]) -> Vec<u8> {
        let mut tags =
            vec![(256, 4), (257, 2), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 2), (279, 8)];
        for (tag, value) in replaced {
            tags.retain(|(old, _)| old != tag);
            tags.push((*tag, *value));
        }
        tiff(&tags)
    }

    fn refusal(file: &[u8]) -> String {
        decode(file).err().unwrap_or_default()
    }

    #[test]
    fn what_is_not_read_is_named() {
        assert!(decode(&grey(&[])).is_ok());
        for (replaced, word) in [
            (&[(259, 6)][..], "JPEG in the old style"),
            (&[(259, 34_712)], "JPEG 2000"),
            (&[(259, 50_000)], "Zstandard"),
            (&[(259, 9999)], "compression number 9999"),
            (&[(262, 32_845)], "LogLuv"),
            (&[(262, 10)], "T.42"),
            (&[(258, 24)], "unsigned samples of 24 bits"),
            (&[(258, 64), (339, 6)], "complex"),
            (&[(258, 2), (317, 2)], "grey of 2 bits, compression None, predictor Difference"),
            (&[(259, 4)], "grey of 8 bits, compression Fax"),
            (&[(262, 3)], "palette of 8 bits"),
        ] {
            let reason = refusal(&grey(replaced));
            assert!(reason.contains(word) && reason.contains("Save it as"), "no {word} in: {reason}");
        }
        for raw in [&[(262, 32_803)][..], &[(262, 34_892)], &[(50_706, 1)]] {
            assert!(refusal(&grey(raw)).contains("RAW file cannot be read: convert it with darktable"));
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        for (replaced, word) in [
            (&[(257, 0)][..], "4 x 0 pixels"),
            (&[(273, 60_000)], "strip or tile 0 is not in the file"),
            (&[(279, 7)], "strip or tile 0 has 7 of 8 bytes"),
            (&[(278, 1)], "it needs 2 strips or tiles, and has 1"),
            (&[(278, 0)], "no size"),
            (&[(262, 2)], "1 samples are too few"),
            (&[(322, 0)], "no size"),
        ] {
            let reason = refusal(&grey(replaced));
            assert!(reason.contains(word), "no {word} in: {reason}");
        }
        assert!(refusal(b"II*\0").contains("header"));
        assert!(refusal(b"II*\0\x08\0\0\0").contains("no directory"));
    }

    #[test]
    fn directories_in_a_circle_are_read_once() {
        let mut file = grey(&[]);
        let length = file.len();
        file[length - 4..].copy_from_slice(&16u32.to_le_bytes());
        assert!(decode(&file).is_ok());
    }
}

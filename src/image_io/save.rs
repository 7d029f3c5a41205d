//! Writing image files.
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;

use image::ImageError;

use super::encode::{NOTE, encode, png};
use super::{Depth, Encoding, Image};
use crate::error::{Error, Result};
use crate::output::OutputFile;

/// A note has some kilobytes; one whose text unpacks to more bytes than these is not read.
const LONGEST_NOTE: usize = 1 << 20;

/// A format that can be written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Format {
    Png,
    Jpeg,
    WebP,
    Tiff,
}

impl Format {
    /// The format that the extension of `path` stands for.
    fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        match extension.to_lowercase().as_str() {
            "png" => Ok(Self::Png),
            "jpg" | "jpeg" => Ok(Self::Jpeg),
            "webp" => Ok(Self::WebP),
            "tif" | "tiff" => Ok(Self::Tiff),
            other => {
                let found = if other.is_empty() {
                    "the name has no extension".into()
                } else {
                    format!("unknown extension '.{extension}'")
                };
                Err(Error::output(path, format!("{found}: use .png, .jpg, .jpeg, .webp, .tif or .tiff")))
            }
        }
    }

    /// The longest side, in pixels, that the format can hold.
    fn longest_side(self) -> u32 {
        match self {
            Self::Jpeg => 65_535,
            // 16384 could be written too, but decoders (libwebp among them) stop here.
            Self::WebP => 16_383,
            Self::Png | Self::Tiff => u32::MAX,
        }
    }
}

/// Finds out before long work whether an image can later be saved as `path`. Leaves and changes
/// nothing.
///
/// # Errors
/// [`Error::Output`] naming the path: unknown extension (with those accepted), a folder or another
/// thing that is not a regular file, a read-only file, a folder that does not exist or in which no
/// file can be made.
pub fn check_output(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    Format::of(path)?;
    OutputFile::of(path)?.check_writable()
}

/// Finds out before long work whether the format of `path` can hold `width` x `height` pixels.
///
/// # Errors
/// [`Error::Output`] naming the path: a side beyond what JPEG (65535) or WebP (16383) can hold, or
/// an unknown extension.
pub fn check_output_fits(path: impl AsRef<Path>, width: u32, height: u32) -> Result<()> {
    let path = path.as_ref();
    let longest = Format::of(path)?.longest_side();
    if width.max(height) > longest {
        return Err(Error::output(
            path,
            format!(
                "{width} x {height} pixels do not fit the format, which holds at most {longest} a \
                 side: use .png or .tif"
            ),
        ));
    }
    Ok(())
}

/// Finds out before long work whether the format of `path` can hold this depth.
///
/// # Errors
/// [`Error::Output`] naming the path: 16 bits in a format other than PNG and TIFF, or an unknown extension.
pub fn check_depth(path: impl AsRef<Path>, depth: Depth) -> Result<()> {
    let path = path.as_ref();
    match (Format::of(path)?, depth) {
        (Format::Jpeg | Format::WebP, Depth::Sixteen) => {
            Err(Error::output(path, "the format holds 8 bits a channel: use .png or .tif for 16"))
        }
        _ => Ok(()),
    }
}

/// Whether the format of `path` can hold transparent pixels; false for an unknown extension.
pub fn holds_transparency(path: impl AsRef<Path>) -> bool {
    Format::of(path.as_ref()).is_ok_and(|format| format != Format::Jpeg)
}

/// See [`Image::save_as`].
pub(super) fn save(image: &Image, path: &Path, encoding: &Encoding) -> Result<()> {
    let format = Format::of(path)?;
    check_output_fits(path, image.width, image.height)?;
    check_depth(path, encoding.depth)?;
    let scaled = encoding.alpha.map(|alpha| alpha.resized_to(image.width, image.height)).transpose()?;
    let encoding = Encoding { alpha: scaled.as_ref().filter(|_| format != Format::Jpeg), ..*encoding };
    OutputFile::of(path)?.replace(|writer| {
        encode(image, format, &encoding, writer).map_err(|error| match error {
            ImageError::IoError(e) => e,
            e => io::Error::other(format!("{e}; try another format")),
        })
    })
}

/// See [`Image::to_png_as`].
pub(super) fn to_png(image: &Image, encoding: &Encoding) -> Result<Vec<u8>> {
    let scaled = encoding.alpha.map(|alpha| alpha.resized_to(image.width, image.height)).transpose()?;
    let mut bytes = vec![];
    png(image, &Encoding { alpha: scaled.as_ref(), ..*encoding }, &mut bytes)
        .map_err(|e| Error::image(Path::new("picture.png"), e.to_string()))?;
    Ok(bytes)
}

/// See [`Image::note`].
pub(super) fn note(path: &Path) -> Result<String> {
    let file = File::open(path)
        .map_err(|e| Error::image(path, format!("cannot read: {} (is the path right?)", e.kind())))?;
    note_in(path, BufReader::new(file))
}

/// See [`Image::parse_note`].
pub(super) fn note_in(path: &Path, file: impl BufRead + Seek) -> Result<String> {
    let reader = png::Decoder::new(file).read_info();
    let reader = reader.map_err(|_| Error::image(path, "not a PNG file: only those carry a note"))?;
    let mut texts = reader.info().utf8_text.iter().filter(|text| text.keyword == NOTE);
    let found = texts.next().cloned().and_then(|mut text| {
        // Unpacked text may be a thousand times as long as the chunk.
        text.decompress_text_with_limit(LONGEST_NOTE).ok()?;
        text.get_text().ok()
    });
    found.ok_or_else(|| {
        Error::image(path, "carries no note: Impasto did not write it, or another program has since")
    })
}

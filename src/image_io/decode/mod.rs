//! Reading image files: which format a file has, its decoder, and what the decoders share.

use std::fs;
use std::io::Read;
use std::path::Path;

use image::ImageFormat;

use super::{Alpha, Image, MAX_PIXELS, check_pixels};
use crate::error::{Error, Result};

mod exif;
mod foreign;
mod jpeg;
mod plain;
mod png;
mod profile;
mod raster;
mod tiff;

use exif::Exif;
use profile::Colours;
use raster::{Model, Raster, Samples};

/// The formats that can be read, for messages.
const ACCEPTED: &str = "PNG, JPEG, WebP, TIFF, BMP or GIF";

/// Files above this are refused unread: [`MAX_PIXELS`] of four floats take as much uncompressed.
const MAX_FILE_BYTES: u64 = MAX_PIXELS * 16;

/// Room for profiles, texts and tables of a format, unpacked. The largest profiles have some mebibytes, and
/// half a mebibyte can unpack to half a gibibyte.
const MAX_TABLES: u64 = 64 << 20;

/// An image read from a file, and what is wrong with the file.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The image, upright, in sRGB, over white.
    pub image: Image,
    /// The opacity of its pixels; `None` if all are opaque.
    pub alpha: Option<Alpha>,
    /// What a user should know: damage that left the pixels readable, values that had to be interpreted. Each is
    /// one line without the name of the file.
    pub warnings: Vec<String>,
}

/// What a decoder returns: on failure the reason, without the name of the file.
type Outcome<T> = std::result::Result<T, String>;

/// See [`Image::read`].
pub(super) fn read(path: &Path) -> Result<Decoded> {
    parse(path, &bytes_of(path)?)
}

/// See [`Image::parse`].
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Decoded> {
    let raster = decode(bytes).map_err(|reason| Error::image(path, in_one_line(&reason)))?;
    raster.into_image(path)
}

/// The bytes of a regular file.
fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    let unreadable =
        |e: std::io::Error| Error::image(path, format!("cannot read: {} (is the path right?)", e.kind()));
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Error::image(path, "is a folder: give the path of an image file"));
    }
    if !metadata.is_file() {
        return Err(Error::image(path, "is not a regular file: save the image to a file first"));
    }
    if metadata.len() > MAX_FILE_BYTES {
        let reason = format!("is larger than {} GiB: make the image smaller", MAX_FILE_BYTES >> 30);
        return Err(Error::image(path, reason));
    }
    fs::read(path).map_err(unreadable)
}

/// See [`check_format`](super::check_format).
pub(super) fn check_format(path: &Path) -> Result<()> {
    /// Formats are told by fewer.
    const HEAD: u64 = 4096;
    let unreadable = |e: std::io::Error| Error::image(path, format!("cannot read: {}", e.kind()));
    let mut head = vec![];
    fs::File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).map_err(unreadable)?;
    format_of(&head).map(|_| ()).map_err(|reason| Error::image(path, in_one_line(&reason)))
}

/// Decodes with the decoder of the format that the first bytes tell.
fn decode(bytes: &[u8]) -> Outcome<Raster> {
    match format_of(bytes)? {
        ImageFormat::Tiff => tiff::decode(bytes),
        ImageFormat::Png => png::decode(bytes),
        ImageFormat::Jpeg => jpeg::decode(bytes),
        format => plain::decode(bytes, format),
    }
}

/// The format that the first bytes tell, if it is read.
fn format_of(bytes: &[u8]) -> Outcome<ImageFormat> {
    if bytes.is_empty() {
        return Err(format!("the file is empty: give a {ACCEPTED} image"));
    }
    foreign::refuse(bytes)?;
    if tiff::is_tiff(bytes) {
        return Ok(ImageFormat::Tiff);
    }
    use ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
    match image::guess_format(bytes) {
        Ok(format @ (Png | Jpeg | WebP | Bmp | Gif)) => Ok(format),
        Ok(other) => {
            let name = format!("{other:?}").to_uppercase();
            Err(format!("{name} images cannot be read: convert it to {ACCEPTED}"))
        }
        Err(_) => Err(format!("not an image: the content, whatever the name, must be {ACCEPTED}")),
    }
}

/// The reason for a file of a known format that breaks its rules or ends early.
fn damaged(format: &str, detail: impl std::fmt::Display) -> String {
    format!("truncated or damaged {format}: {detail}. Copy, download or save it again")
}

/// The reason for a file that is sound, but of a kind that no decoder here reads.
fn unsupported(format: &str, what: impl std::fmt::Display) -> String {
    format!("this kind of {format} cannot be read: {what}. Save it as an ordinary 8-bit PNG")
}

/// The reason for a file whose tables or pixels exceed the limits.
fn too_much_memory(format: &str) -> String {
    format!(
        "this {format} needs too much memory: at most {MAX_PIXELS} pixels are accepted, make the image smaller"
    )
}

/// What has arrived of a download for which a program reserved room: the bytes without many zeros at the end. To a
/// decoder they would be pixels.
fn arrived(bytes: &[u8]) -> &[u8] {
    /// Fewer may belong to the image.
    const FEWEST_RESERVED: usize = 8;
    let zeros = bytes.iter().rev().take_while(|&&b| b == 0).count();
    if zeros < FEWEST_RESERVED { bytes } else { &bytes[..bytes.len() - zeros] }
}

/// Decoders quote what they found, which may hold line breaks.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

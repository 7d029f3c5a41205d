//! Reading picture files.
use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::{Image, MAX_PIXELS, check_pixels, jpeg};
use crate::error::{Error, Result};

/// The formats that can be read, for messages.
const ACCEPTED: &str = "PNG, JPEG, WebP, TIFF or BMP";

/// Files above this are refused unread: [`MAX_PIXELS`] of four floats take as much uncompressed.
const MAX_FILE_BYTES: u64 = MAX_PIXELS * 16;

/// Room for profiles, texts and tables of a format, unpacked. The largest profiles have some mebibytes, and
/// half a mebibyte can unpack to half a gibibyte.
const MAX_TABLES: u64 = 64 << 20;

/// See [`Image::load`].
pub(super) fn load(path: &Path) -> Result<Image> {
    parse(path, &read(path)?)
}

/// See [`Image::parse`].
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Image> {
    let format = recognise(path, bytes)?;
    if format == ImageFormat::Jpeg && !jpeg::is_complete(bytes) {
        return Err(Error::image(
            path,
            "truncated or damaged JPEG: it has no end marker. Copy or download it again, or open \
             it in an image editor and save it anew",
        ));
    }
    flatten(path, decode(path, bytes, format)?)
}

/// The bytes of a regular file.
fn read(path: &Path) -> Result<Vec<u8>> {
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

/// The format of the content, if it is one of those that can be read.
fn recognise(path: &Path, bytes: &[u8]) -> Result<ImageFormat> {
    use ImageFormat::{Bmp, Jpeg, Png, Tiff, WebP};
    if bytes.is_empty() {
        return Err(Error::image(path, format!("the file is empty: give a {ACCEPTED} image")));
    }
    match image::guess_format(bytes) {
        Ok(format @ (Png | Jpeg | WebP | Tiff | Bmp)) => Ok(format),
        Ok(other) => Err(Error::image(
            path,
            format!("{} images cannot be read: convert it to {ACCEPTED}", name(other)),
        )),
        Err(_) => Err(Error::image(
            path,
            format!("not an image: the content, whatever the name, must be {ACCEPTED}"),
        )),
    }
}

/// The upright picture in the sample format of the file.
fn decode(path: &Path, bytes: &[u8], format: ImageFormat) -> Result<DynamicImage> {
    let fail = |error| damaged(path, format, &error);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // The size comes with whatever is packed before the pixels: colour profiles, texts.
    limits.max_alloc = Some(MAX_TABLES);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(fail)?;
    let (width, height) = decoder.dimensions();
    check_pixels(width, height).map_err(|reason| Error::image(path, reason))?;
    // Now that the size is known, a decoder needs room for the picture, a second copy of it and
    // the tables of the format, but not for whatever else a broken file may ask.
    limits.max_alloc = Some(2 * decoder.total_bytes() + MAX_TABLES);
    decoder.set_limits(limits).map_err(fail)?;
    let orientation = orientation(&mut decoder);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(fail)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// How to turn the picture upright; as it is where the file does not say or its EXIF is broken.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    match decoder.orientation() {
        Ok(Orientation::NoTransforms) => {}
        Ok(found) => return found,
        Err(_) => return Orientation::NoTransforms,
    }
    // Some writers put JPEG's prefix in front of the EXIF of PNG and WebP too, where the decoders
    // do not look for it.
    let exif = decoder.exif_metadata().ok().flatten();
    exif.as_deref()
        .and_then(|exif| exif.strip_prefix(b"Exif\0\0"))
        .and_then(Orientation::from_exif_chunk)
        .unwrap_or(Orientation::NoTransforms)
}

/// The error for a file that is of `format` but cannot be decoded.
fn damaged(path: &Path, format: ImageFormat, error: &ImageError) -> Error {
    let name = name(format);
    let reason = match error {
        ImageError::Limits(_) => format!(
            "this {name} needs too much memory: at most {MAX_PIXELS} pixels are accepted, make the \
             picture smaller"
        ),
        ImageError::Unsupported(e) => {
            format!("this kind of {name} cannot be read: {e}. Save it as an ordinary 8-bit PNG")
        }
        e => format!("truncated or damaged {name}: {e}. Copy, download or save it again"),
    };
    // Decoders quote what they found, which may hold line breaks.
    Error::image(path, reason.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What people call a format.
fn name(format: ImageFormat) -> String {
    match format {
        ImageFormat::WebP => "WebP".into(),
        other => format!("{other:?}").to_uppercase(),
    }
}

/// Any sample format as RGB in 0..=255 without transparency.
fn flatten(path: &Path, picture: DynamicImage) -> Result<Image> {
    let byte = |v: u8| f32::from(v);
    let word = |v: u16| f32::from(v) / 257.0;
    let float = |v: f32| v * 255.0;
    let rgb = match &picture {
        DynamicImage::ImageLuma8(p) => over_white::<1, _>(p, byte),
        DynamicImage::ImageLumaA8(p) => over_white::<2, _>(p, byte),
        DynamicImage::ImageRgb8(p) => over_white::<3, _>(p, byte),
        DynamicImage::ImageRgba8(p) => over_white::<4, _>(p, byte),
        DynamicImage::ImageLuma16(p) => over_white::<1, _>(p, word),
        DynamicImage::ImageLumaA16(p) => over_white::<2, _>(p, word),
        DynamicImage::ImageRgb16(p) => over_white::<3, _>(p, word),
        DynamicImage::ImageRgba16(p) => over_white::<4, _>(p, word),
        DynamicImage::ImageRgb32F(p) => over_white::<3, _>(p, float),
        other => over_white::<4, _>(&other.to_rgba32f(), float),
    };
    Image::checked(path, picture.width(), picture.height(), rgb)
}

/// Interleaved pixels of `N` samples (grey, grey and alpha, RGB, or RGBA), each brought to the
/// 0..255 scale by `scale`, as RGB over white.
fn over_white<const N: usize, T: Copy>(samples: &[T], scale: impl Fn(T) -> f32) -> Vec<f32> {
    let mut rgb = Vec::with_capacity(samples.len() / N * 3);
    for pixel in samples.chunks_exact(N) {
        let colour = if N < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
        // Without alpha no arithmetic is done, so that floats above 1 are left to the clamp.
        let alpha = N.is_multiple_of(2).then(|| (scale(pixel[N - 1]) / 255.0).clamp(0.0, 1.0));
        rgb.extend(colour.map(|sample| match alpha {
            Some(alpha) => scale(sample) * alpha + 255.0 * (1.0 - alpha),
            None => scale(sample),
        }));
    }
    rgb
}

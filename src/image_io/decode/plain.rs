//! WebP, BMP and GIF, as the crate `image` reads them.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::{Colours, Exif, MAX_TABLES, Model, Outcome, Raster, Samples};
use super::{check_pixels, damaged, too_much_memory, unsupported};

/// The first image of a file of `format`.
pub(super) fn decode(bytes: &[u8], format: ImageFormat) -> Outcome<Raster> {
    let fail = |error| reason(format, &error);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // The size comes with whatever is packed before the pixels: colour profiles, texts.
    limits.max_alloc = Some(MAX_TABLES);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(fail)?;
    let (width, height) = decoder.dimensions();
    check_pixels(width, height)?;
    // Now that the size is known, a decoder needs room for the image, a second copy of it and
    // the tables of the format, but not for whatever else a broken file may ask.
    limits.max_alloc = Some(2 * decoder.total_bytes() + MAX_TABLES);
    decoder.set_limits(limits).map_err(fail)?;
    let exif = Exif::of(decoder.exif_metadata().ok().flatten().as_deref());
    let colours = decoder.icc_profile().ok().flatten().map_or_else(|| exif.colours(), Colours::Icc);
    let image = DynamicImage::from_decoder(decoder).map_err(fail)?;
    Ok(Raster { orientation: exif.orientation, colours, ..raster(image) })
}

/// The same samples.
fn raster(image: DynamicImage) -> Raster {
    let (width, height) = (image.width(), image.height());
    let (model, alpha, samples) = match image {
        DynamicImage::ImageLuma8(p) => (Model::Grey, false, Samples::Bytes(p.into_raw())),
        DynamicImage::ImageLumaA8(p) => (Model::Grey, true, Samples::Bytes(p.into_raw())),
        DynamicImage::ImageRgb8(p) => (Model::Rgb, false, Samples::Bytes(p.into_raw())),
        other => (Model::Rgb, true, Samples::Bytes(other.into_rgba8().into_raw())),
    };
    let (colours, orientation) = (Colours::Srgb, Orientation::NoTransforms);
    Raster { width, height, model, alpha, samples, colours, orientation, warnings: vec![] }
}

/// Why a file of `format` cannot be decoded.
fn reason(format: ImageFormat, error: &ImageError) -> String {
    let name = match format {
        ImageFormat::WebP => "WebP".into(),
        other => format!("{other:?}").to_uppercase(),
    };
    match error {
        ImageError::Limits(_) => too_much_memory(&name),
        ImageError::Unsupported(e) => unsupported(&name, e),
        e => damaged(&name, e),
    }
}

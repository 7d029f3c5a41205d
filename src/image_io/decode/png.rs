//! PNG.

use std::io::Cursor;

use png::{ColorType, Decoder, DecodingError, Info, Limits, Transformations};

use super::{Colours, Exif, MAX_TABLES, Model, Outcome, Raster, Samples};
use super::{arrived, check_pixels, damaged, too_much_memory, unsupported};

/// The still image of a PNG file.
///
/// Wrong checksums and a missing end are no reason to refuse pixels that can be unpacked: browsers show them too.
pub(super) fn decode(bytes: &[u8]) -> Outcome<Raster> {
    attempt(bytes, true).or_else(|error| {
        let mut raster = attempt(&completed(bytes), false).map_err(|_| reason(&error))?;
        raster.warnings =
            vec![format!("damaged PNG: {error}; its pixels can be unpacked, but some may be wrong")];
        Ok(raster)
    })
}

/// The chunks of a file, the last of them as far as it is there, and an end.
fn completed(bytes: &[u8]) -> Vec<u8> {
    const NO_CHECKSUM: [u8; 4] = [0; 4];
    let bytes = arrived(bytes);
    let mut out = bytes[..bytes.len().min(8)].to_vec();
    for (name, body) in chunks(bytes).chain([(&b"IEND"[..], &b""[..])]) {
        out.extend((body.len() as u32).to_be_bytes());
        out.extend([name, body, &NO_CHECKSUM].concat());
    }
    out
}

/// Decodes with or without looking at checksums.
fn attempt(bytes: &[u8], checked: bool) -> Result<Raster, Failure> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_TABLES as usize });
    decoder.ignore_checksums(!checked);
    decoder.set_ignore_text_chunk(true);
    // Palettes, transparent colours and samples of less than 8 bits become ordinary pixels.
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info()?;
    let (width, height) = (reader.info().width, reader.info().height);
    check_pixels(width, height).map_err(Failure::Size)?;
    let length = reader.output_buffer_size().ok_or(DecodingError::LimitsExceeded)?;
    let mut pixels = vec![0; length];
    let frame = reader.next_frame(&mut pixels)?;
    let warnings = match reader.finish() {
        Ok(()) => vec![],
        Err(error) => vec![format!("damaged PNG: after the pixels: {error}; the pixels are all there")],
    };
    let (model, alpha) = match frame.color_type {
        ColorType::Grayscale => (Model::Grey, false),
        ColorType::GrayscaleAlpha => (Model::Grey, true),
        ColorType::Rgb | ColorType::Indexed => (Model::Rgb, false),
        ColorType::Rgba => (Model::Rgb, true),
    };
    let samples = match frame.bit_depth {
        png::BitDepth::Sixteen => {
            Samples::Words(pixels.chunks_exact(2).map(|v| u16::from_be_bytes([v[0], v[1]])).collect())
        }
        _ => Samples::Bytes(pixels),
    };
    let exif = Exif::of(reader.info().exif_metadata.as_deref());
    let colours = colours(bytes, reader.info()).unwrap_or_else(|| exif.colours());
    Ok(Raster { width, height, model, alpha, samples, colours, orientation: exif.orientation, warnings })
}

/// What the chunks say of the colours, in their order of precedence (W3C, PNG, third edition, 4.3).
fn colours(bytes: &[u8], info: &Info) -> Option<Colours> {
    if let Some(points) = info.coding_independent_code_points {
        let (primaries, transfer) = (points.color_primaries, points.transfer_function);
        return Some(Colours::CodePoints {
            primaries,
            transfer,
            full_range: points.is_video_full_range_image,
        });
    }
    if let Some(profile) = &info.icc_profile {
        return Some(Colours::Icc(profile.to_vec()));
    }
    // The decoder drops a profile that cannot be unpacked.
    if chunks(bytes).take_while(|(name, _)| name != b"IDAT").any(|(name, _)| name == b"iCCP") {
        return Some(Colours::Icc(vec![]));
    }
    if info.srgb.is_some() {
        return Some(Colours::Srgb);
    }
    let gamma = info.gama_chunk.map(|gamma| gamma.into_value()).filter(|gamma| *gamma > 0.0);
    let chromaticities = info
        .chrm_chunk
        .map(|c| [c.white, c.red, c.green, c.blue].map(|(x, y)| (x.into_value(), y.into_value())));
    let exponent = gamma.map(f32::recip);
    (exponent.is_some() || chromaticities.is_some()).then_some(Colours::Measured { exponent, chromaticities })
}

/// Name and content of each chunk, the last of them as far as it is there.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, tail) = rest.split_at_checked(8)?;
        let stated = head[..4].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let (body, tail) = tail.split_at(stated.min(tail.len()));
        // Behind the content is its checksum.
        rest = &tail[tail.len().min(4)..];
        Some((&head[4..], body))
    })
}

/// Why a PNG file cannot be decoded.
enum Failure {
    /// The reason for a size that is not accepted.
    Size(String),
    Decoder(DecodingError),
}

impl From<DecodingError> for Failure {
    fn from(error: DecodingError) -> Self {
        Self::Decoder(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Size(reason) => f.write_str(reason),
            Self::Decoder(error) => error.fmt(f),
        }
    }
}

fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Size(reason) => reason.clone(),
        Failure::Decoder(DecodingError::LimitsExceeded) => too_much_memory("PNG"),
        Failure::Decoder(DecodingError::Parameter(error)) => unsupported("PNG", error),
        Failure::Decoder(error) => damaged("PNG", error),
    }
}

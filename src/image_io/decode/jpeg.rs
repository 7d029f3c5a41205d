//! JPEG: the markers of a stream, and its pixels by the crate `jpeg-decoder`.
//!
//! The markers are followed here too (ITU-T T.81, annex B), because the decoder is lenient: it fills the pixels
//! that a truncated file lacks, guesses the colour model by other rules than libjpeg, and misplaces some scans.

use jpeg_decoder::{ColorTransform, Decoder, PixelFormat, UnsupportedFeature};

use super::{Colours, Exif, Model, Outcome, Raster, Samples};
use super::{arrived, check_pixels, damaged, unsupported};

/// Bytes of ones, as a scan stores them. No Huffman code is all ones, so that a scan that is read beyond its end
/// is an error.
const ONES: [u8; 8192] = {
    let mut ones = [0; 8192];
    let mut i = 0;
    while i < ones.len() {
        ones[i] = 0xFF;
        i += 2;
    }
    ones
};

const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];

/// The image of a JPEG file.
pub(super) fn decode(bytes: &[u8]) -> Outcome<Raster> {
    let stream = Stream::of(bytes);
    stream.check()?;
    let transform = stream.transform();
    let (pixels, warnings) = match stream.end {
        Some(end) => (pixels(&bytes[..end], transform)?, vec![]),
        None => {
            let warning = "damaged JPEG: it has no end marker, but all of its pixels are there; copy or download \
                it again if you can";
            (stream.pixels_without_end(bytes)?, vec![warning.into()])
        }
    };
    let Pixels { width, height, model, samples } = pixels;
    let exif = Exif::of(stream.exif);
    let colours = stream.icc_profile().map_or_else(|| exif.colours(), Colours::Icc);
    let orientation = exif.orientation;
    Ok(Raster { width, height, model, alpha: false, samples, colours, orientation, warnings })
}

/// Decoded pixels.
pub(super) struct Pixels {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) model: Model,
    pub(super) samples: Samples,
}

/// The pixels of a stream from its start up to, but without, its end marker.
pub(super) fn pixels(body: &[u8], transform: ColorTransform) -> Outcome<Pixels> {
    let mut decoder_input = Vec::with_capacity(body.len() + ONES.len() + 2);
    decoder_input.extend_from_slice(body);
    decoder_input.extend_from_slice(&ONES);
    decoder_input.extend_from_slice(&END_OF_IMAGE);
    let mut decoder = Decoder::new(&decoder_input[..]);
    decoder.set_color_transform(transform);
    let bytes = decoder.decode().map_err(reason)?;
    let Some(info) = decoder.info() else { return Err(damaged("JPEG", "it has no frame")) };
    let (model, samples) = match info.pixel_format {
        PixelFormat::L8 => (Model::Grey, Samples::Bytes(bytes)),
        PixelFormat::L16 => {
            let words = bytes.chunks_exact(2).map(|v| u16::from_ne_bytes([v[0], v[1]]));
            (Model::Grey, Samples::Words(words.collect()))
        }
        PixelFormat::RGB24 => (Model::Rgb, Samples::Bytes(bytes)),
        PixelFormat::CMYK32 => (Model::Cmyk, Samples::Bytes(bytes)),
    };
    Ok(Pixels { width: info.width.into(), height: info.height.into(), model, samples })
}

/// Why the decoder fails.
fn reason(error: jpeg_decoder::Error) -> String {
    match error {
        jpeg_decoder::Error::Unsupported(feature) => match feature {
            UnsupportedFeature::ArithmeticEntropyCoding => unsupported("JPEG", "arithmetic coding"),
            UnsupportedFeature::SamplePrecision(bits) => unsupported("JPEG", format!("{bits}-bit samples")),
            UnsupportedFeature::Hierarchical => unsupported("JPEG", "hierarchical coding"),
            UnsupportedFeature::ComponentCount(n) => unsupported("JPEG", format!("{n} components")),
            other => unsupported("JPEG", format!("{other:?}")),
        },
        jpeg_decoder::Error::Format(detail) if detail.contains("huffman") => {
            damaged("JPEG", "its pixels break off or are corrupt")
        }
        other => damaged("JPEG", other),
    }
}

/// A component of the frame: a plane of the image.
struct Component {
    id: u8,
    /// Samples across and down in a unit of the frame; the largest are those of the image's own resolution.
    sampling: (u8, u8),
    /// Bit i: the decoder gets all bits of coefficient i.
    coefficients: u64,
}

/// What the markers of a file say.
#[derive(Default)]
pub(super) struct Stream<'a> {
    /// Where the end marker stands, if there is one.
    end: Option<usize>,
    size: Option<(u32, u32)>,
    components: Vec<Component>,
    /// Whether a scan holds one of several components.
    separate: bool,
    jfif: bool,
    /// The transform that Adobe's segment names.
    adobe: Option<u8>,
    exif: Option<&'a [u8]>,
    /// The pieces of an ICC profile: number, count and bytes of each.
    icc: Vec<(u8, u8, &'a [u8])>,
}

impl<'a> Stream<'a> {
    /// Follows the markers to the end marker or, if it is missing, as far as they lead. Unlike a search for the
    /// bytes of the end marker, this is neither misled by the thumbnail inside an EXIF segment nor by anything
    /// appended to the file.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut stream = Self::default();
        let mut at = 0;
        // Whatever precedes the next 0xFF is compressed data.
        while let Some(skipped) = bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == 0xFF)) {
            at += skipped + 1;
            match bytes.get(at..) {
                Some([0xFF, ..]) => {} // a fill byte; it may itself begin the marker
                // Neither a 0xFF of the data, TEM, a restart nor the start of the image has a length.
                Some([0x00 | 0x01 | 0xD0..=0xD8, ..]) => at += 1,
                Some([0xD9, ..]) => {
                    stream.end = Some(at - 1);
                    break;
                }
                Some([marker, high, low, ..]) => {
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    if let Some(body) = bytes.get(at + 3..at + 1 + length) {
                        stream.segment(*marker, body);
                    }
                    at += 1 + length;
                }
                _ => break,
            }
        }
        stream
    }

    /// Width and height of the frame, if there is one.
    pub(super) fn size(&self) -> (u32, u32) {
        self.size.unwrap_or_default()
    }

    /// Where the end marker stands, if there is one.
    pub(super) fn end(&self) -> Option<usize> {
        self.end
    }

    /// Takes note of a segment.
    fn segment(&mut self, marker: u8, body: &'a [u8]) {
        match (marker, body) {
            // Frame headers; the three left out are tables and an extension.
            (0xC0..=0xCF, [_, y1, y0, x1, x0, count, rest @ ..]) if ![0xC4, 0xC8, 0xCC].contains(&marker) => {
                let word = |high: &u8, low: &u8| u32::from(u16::from_be_bytes([*high, *low]));
                self.size = Some((word(x1, x0), word(y1, y0)));
                let component =
                    |c: &[u8]| Component { id: c[0], sampling: (c[1] >> 4, c[1] & 15), coefficients: 0 };
                self.components = rest.chunks_exact(3).take((*count).into()).map(component).collect();
            }
            (0xDA, [count, rest @ ..]) => self.scan(usize::from(*count), rest),
            (0xE0, [b'J', b'F', b'I', b'F', 0, ..]) => self.jfif = true,
            (0xEE, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..]) => {
                self.adobe = Some(*transform);
            }
            (0xE2, _) => {
                if let Some([number, count, piece @ ..]) = body.strip_prefix(b"ICC_PROFILE\0") {
                    self.icc.push((*number, *count, piece));
                }
            }
            (0xE1, _) if self.exif.is_none() => self.exif = body.strip_prefix(b"Exif\0\0"),
            _ => {}
        }
    }

    /// Takes note of a scan header: its components with their tables, then which coefficients and bits it holds.
    fn scan(&mut self, count: usize, rest: &[u8]) {
        let Some((tables, &[first, last, bits, ..])) = rest.split_at_checked(2 * count) else { return };
        self.separate |= count == 1 && self.components.len() > 1;
        let below = |n: u8| if n > 63 { u64::MAX } else { (1 << n) - 1 };
        if bits & 15 == 0 {
            let held = below(last.saturating_add(1)) & !below(first);
            for table in tables.chunks_exact(2) {
                let named = |c: &&mut Component| c.id == table[0];
                self.components.iter_mut().filter(named).for_each(|c| c.coefficients |= held);
            }
        }
    }

    /// The ICC profile (ICC.1, annex B.4), if there is any; empty if a piece is missing.
    fn icc_profile(&self) -> Option<Vec<u8>> {
        let (_, count, _) = self.icc.first()?;
        let piece = |number: u8| self.icc.iter().find(|piece| piece.0 == number).map(|piece| piece.2);
        let pieces: Option<Vec<&[u8]>> = (1..=*count).map(piece).collect();
        Some(pieces.unwrap_or_default().concat())
    }

    /// Refuses what the decoder must not be given.
    pub(super) fn check(&self) -> Outcome<()> {
        let Some((width, height)) = self.size else { return Err(damaged("JPEG", "it has no frame")) };
        check_pixels(width, height)?;
        let most = self.components.iter().fold((0, 0), |most, c| {
            let (across, down) = c.sampling;
            (across.max(most.0), down.max(most.1))
        });
        // The decoder takes the blocks of such a plane for as many as the unit of the frame has.
        let between = |sampling: u8, most: u8| sampling != 1 && sampling != most;
        let misread = |c: &Component| between(c.sampling.0, most.0) || between(c.sampling.1, most.1);
        if self.separate && self.components.iter().any(misread) {
            return Err(unsupported("JPEG", "separate scans of components with uncommon subsampling"));
        }
        Ok(())
    }

    /// What the components are, by the rules of libjpeg.
    fn transform(&self) -> ColorTransform {
        let ids: Vec<u8> = self.components.iter().map(|c| c.id).collect();
        match (self.components.len(), self.adobe) {
            (1, _) => ColorTransform::Grayscale,
            (4, Some(2)) => ColorTransform::YCCK,
            (4, _) => ColorTransform::CMYK,
            _ if self.jfif => ColorTransform::YCbCr,
            (_, Some(0)) => ColorTransform::RGB,
            (_, None) if ids == *b"RGB" => ColorTransform::RGB,
            _ => ColorTransform::YCbCr,
        }
    }

    /// The pixels of a file without an end marker, if they are all there.
    fn pixels_without_end(&self, bytes: &[u8]) -> Outcome<Pixels> {
        if self.components.iter().any(|c| c.coefficients != u64::MAX) {
            return Err(damaged("JPEG", "it has no end marker, and scans are missing"));
        }
        // The first byte of an end marker that is cut in two, and the fill bytes that may stand before a marker.
        let end = bytes.iter().rposition(|byte| *byte != 0xFF).map_or(0, |last| last + 1);
        let bytes = &bytes[..end];
        let body = match arrived(bytes) {
            // The zero that follows a 0xFF in a scan.
            body if body.last() == Some(&0xFF) => &bytes[..body.len() + 1],
            body => body,
        };
        // Whatever follows a whole scan makes no difference to it.
        let once = pixels(body, self.transform());
        let again = pixels(&[body, &[0]].concat(), self.transform());
        match (once, again) {
            (Ok(once), Ok(again)) if once.samples == again.samples => Ok(once),
            _ => Err(damaged("JPEG", "it has no end marker, and its pixels break off")),
        }
    }
}

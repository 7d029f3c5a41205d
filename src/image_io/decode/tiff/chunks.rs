//! The bytes of a strip or tile, unpacked.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::ZlibDecoder;
use jpeg_decoder::ColorTransform;
use weezl::{BitOrder, decode::Configuration};

use super::super::jpeg::{self, Stream};
use super::super::raster::Samples;
use super::directory::File;
use super::fax;
use super::layout::{Compression, Layout};
use super::{Outcome, damaged};

/// Where a piece lies and what is needed of it.
pub(super) struct Piece {
    /// Index into the offsets.
    pub(super) index: usize,
    /// Bytes of a row, padding included.
    pub(super) row_bytes: usize,
    /// Rows that lie in the image.
    pub(super) rows: usize,
}

/// The bytes of a piece: at least `rows` times `row_bytes`. What a file packs beyond that is not unpacked.
pub(super) fn unpack<'a>(file: &File<'a>, layout: &Layout, piece: &Piece) -> Outcome<Cow<'a, [u8]>> {
    let stored = stored(file, layout, piece)?;
    let needed = piece.row_bytes * piece.rows;
    let unpacked = match layout.compression {
        Compression::None => stored,
        Compression::Lzw => lzw(&stored, needed)?.into(),
        Compression::Deflate => deflate(&stored, needed)?.into(),
        Compression::PackBits => pack_bits(&stored, needed).into(),
        Compression::Jpeg => jpeg(layout, &stored, piece)?.into(),
        Compression::Fax(code) => fax::decode(code, &stored, layout.grid.width, piece.rows)?.into(),
    };
    if unpacked.len() < needed {
        let (found, index) = (unpacked.len(), piece.index);
        return Err(damaged("TIFF", format!("strip or tile {index} has {found} of {needed} bytes")));
    }
    Ok(unpacked)
}

/// The bytes as the file stores them.
fn stored<'a>(file: &File<'a>, layout: &Layout, piece: &Piece) -> Outcome<Cow<'a, [u8]>> {
    let place = || {
        let at = usize::try_from(*layout.grid.offsets.get(piece.index)?).ok()?;
        let rest = file.bytes.get(at..)?;
        let length = layout.grid.lengths.get(piece.index).map_or(rest.len(), |n| *n as usize);
        // Writers of one strip tend to state more bytes than there are.
        Some(&rest[..length.min(rest.len())])
    };
    let missing = || damaged("TIFF", format!("strip or tile {} is not in the file", piece.index));
    let bytes: &'a [u8] = place().ok_or_else(missing)?;
    Ok(match layout.reversed {
        true => bytes.iter().map(|byte| byte.reverse_bits()).collect(),
        false => bytes.into(),
    })
}

fn lzw(stored: &[u8], needed: usize) -> Outcome<Vec<u8>> {
    let mut decoder = Configuration::with_tiff_size_switch(BitOrder::Msb, 8).build();
    let mut out = vec![];
    let mut buffer = [0; 1 << 14];
    let mut rest = stored;
    while out.len() < needed {
        let step = decoder.decode_bytes(rest, &mut buffer);
        rest = &rest[step.consumed_in..];
        out.extend_from_slice(&buffer[..step.consumed_out]);
        match step.status {
            Ok(weezl::LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Err(damaged("TIFF", format!("its LZW data is corrupt: {error}"))),
        }
    }
    Ok(out)
}

fn deflate(stored: &[u8], needed: usize) -> Outcome<Vec<u8>> {
    let mut out = vec![];
    let read = ZlibDecoder::new(stored).take(needed as u64).read_to_end(&mut out);
    match read {
        Ok(_) => Ok(out),
        Err(error) => Err(damaged("TIFF", format!("its Deflate data is corrupt: {error}"))),
    }
}

/// Runs of one byte and of different ones (TIFF 6.0, section 9).
fn pack_bits(stored: &[u8], needed: usize) -> Vec<u8> {
    let mut out = vec![];
    let mut rest = stored;
    while let [header, tail @ ..] = rest {
        if out.len() >= needed {
            break;
        }
        rest = match *header as i8 {
            -128 => tail,
            count @ 0.. => {
                let (run, tail) = tail.split_at(tail.len().min(count as usize + 1));
                out.extend_from_slice(run);
                tail
            }
            count => {
                let Some((byte, tail)) = tail.split_first() else { break };
                out.extend(std::iter::repeat_n(*byte, (1 - isize::from(count)) as usize));
                tail
            }
        };
    }
    out
}

/// A JPEG stream, whose tables may stand in a tag of their own.
fn jpeg(layout: &Layout, stored: &[u8], piece: &Piece) -> Outcome<Vec<u8>> {
    const START: [u8; 2] = [0xFF, 0xD8];
    let tables = layout.jpeg_tables.unwrap_or(&START);
    let tables = tables.strip_suffix(&[0xFF, 0xD9]).unwrap_or(tables);
    let stream = [tables, stored.strip_prefix(&START).unwrap_or(stored)].concat();
    let markers = Stream::of(&stream);
    let inside = |reason: String| format!("TIFF of JPEG data: {reason}");
    markers.check().map_err(inside)?;
    let (width, height) = markers.size();
    // A piece at the lower edge may be stored whole or as far as the image reaches; units are up to 32 rows.
    let highest = layout.grid.height.next_multiple_of(32);
    if width != layout.grid.width || (height as usize) < piece.rows || height > highest {
        let wanted = format!("{} x {}", layout.grid.width, piece.rows);
        return Err(damaged("TIFF", format!("JPEG data of {width} x {height} pixels instead of {wanted}")));
    }
    let transform = match layout.samples_in_piece() {
        1 => ColorTransform::Grayscale,
        4 => ColorTransform::CMYK,
        _ if layout.jpeg_ycbcr => ColorTransform::YCbCr,
        _ => ColorTransform::RGB,
    };
    let end = markers.end().unwrap_or(stream.len());
    let pixels = jpeg::pixels(&stream[..end], transform).map_err(inside)?;
    match pixels.samples {
        Samples::Bytes(mut bytes) if bytes.len() == piece.row_bytes * height as usize => {
            // The decoder takes four components for Adobe's, which are stored inverted.
            if transform == ColorTransform::CMYK {
                bytes.iter_mut().for_each(|byte| *byte = 255 - *byte);
            }
            Ok(bytes)
        }
        _ => Err(damaged("TIFF", "JPEG data of another kind than its tags say")),
    }
}

#[cfg(test)]
mod tests {
    use super::pack_bits;

    #[test]
    fn runs_are_unpacked_as_far_as_they_are_needed() {
        // The example of TIFF 6.0, section 9.
        let packed = b"\xFE\xAA\x02\x80\x00\x2A\xFD\xAA\x03\x80\x00\x2A\x22\xF7\xAA";
        let unpacked = pack_bits(packed, 24);
        assert_eq!(unpacked[..8], [0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA]);
        assert_eq!((unpacked.len(), unpacked[23]), (24, 0xAA));
        assert_eq!(pack_bits(packed, 4).len(), 6, "whole runs");
        assert_eq!(pack_bits(b"\x80\x05ab", 9), b"ab", "a cut run, after a byte without meaning");
        assert_eq!(pack_bits(b"\xFE", 9), b"");
    }
}

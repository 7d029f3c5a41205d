//! The samples of a TIFF image as numbers, brought from its strips or tiles to one place.

use half::f16;

use super::Outcome;
use super::chunks::{Piece, unpack};
use super::directory::File;
use super::layout::{Format, Layout, Predictor};

/// The samples that [`Layout::kept`] names, interleaved, on the scale of the file.
pub(super) fn read(file: &File, layout: &Layout) -> Outcome<Vec<f32>> {
    let kept = layout.kept();
    let grid = &layout.grid;
    let (width, height) = (layout.width as usize, layout.height as usize);
    let mut out = vec![0.0; width * height * kept.len()];
    let planes = if layout.planar { layout.samples } else { 1 };
    for index in 0..planes * grid.count {
        let (plane, at) = (index / grid.count, index % grid.count);
        // Which channels of the output this piece fills, from which of its samples.
        let channels: Vec<(usize, usize)> = match layout.planar {
            true => kept.iter().position(|k| *k == plane).map(|channel| (channel, 0)).into_iter().collect(),
            false => kept.iter().copied().enumerate().collect(),
        };
        if channels.is_empty() {
            continue;
        }
        let left = at % grid.across * grid.width as usize;
        let top = at / grid.across * grid.height as usize;
        let rows = (height - top).min(grid.height as usize);
        let columns = (width - left).min(grid.width as usize);
        let per_pixel = layout.samples_in_piece();
        let lines = lines(file, layout, index, rows)?;
        for (y, line) in lines.chunks_exact(grid.width as usize * per_pixel).enumerate() {
            let row = &mut out[((top + y) * width + left) * kept.len()..][..columns * kept.len()];
            for (to, from) in row.chunks_exact_mut(kept.len()).zip(line.chunks_exact(per_pixel)) {
                channels.iter().for_each(|(channel, sample)| to[*channel] = from[*sample]);
            }
        }
    }
    Ok(out)
}

/// All samples of the first rows of a piece.
fn lines(file: &File, layout: &Layout, index: usize, rows: usize) -> Outcome<Vec<f32>> {
    let width = layout.grid.width as usize;
    if let Some((across, down)) = layout.shared() {
        let (units, unit) = (width.div_ceil(across), across * down + 2);
        let piece = Piece { index, row_bytes: units * unit, rows: rows.div_ceil(down) };
        let bytes = unpack(file, layout, &piece)?;
        return Ok(spread(&bytes, (across, down), width, rows));
    }
    let samples = width * layout.samples_in_piece();
    let row_bytes = (samples * layout.bits as usize).div_ceil(8);
    let bytes = unpack(file, layout, &Piece { index, row_bytes, rows })?;
    let mut lines = Vec::with_capacity(samples * rows);
    let mut row = vec![0; row_bytes];
    for stored in bytes.chunks_exact(row_bytes).take(rows) {
        row.copy_from_slice(stored);
        let big_endian = undo_predictor(&mut row, layout, file.big_endian);
        numbers(&row, layout, big_endian, samples, &mut lines);
    }
    Ok(lines)
}

/// Gives each pixel its own Cb and Cr. Units of `shared` pixels are stored as the Y of each, Cb, Cr.
fn spread(bytes: &[u8], shared: (usize, usize), width: usize, rows: usize) -> Vec<f32> {
    let (across, down) = shared;
    let unit = across * down + 2;
    let units = width.div_ceil(across);
    let mut lines = Vec::with_capacity(width * rows * 3);
    for y in 0..rows {
        for x in 0..width {
            let unit = &bytes[(y / down * units + x / across) * unit..][..unit];
            let luma = unit[y % down * across + x % across];
            lines.extend([luma, unit[across * down], unit[across * down + 1]].map(f32::from));
        }
    }
    lines
}

/// Undoes in a row what was done before compression. Returns whether the row's numbers are now big-endian.
fn undo_predictor(row: &mut [u8], layout: &Layout, big_endian: bool) -> bool {
    let (size, stride) = (layout.bits as usize / 8, layout.samples_in_piece());
    match layout.predictor {
        Predictor::None => big_endian,
        Predictor::Difference => {
            add_differences(row, size, stride, big_endian);
            big_endian
        }
        Predictor::Floats => {
            add_differences(row, 1, stride, big_endian);
            let apart = row.to_vec();
            let count = row.len() / size;
            for (i, number) in row.chunks_exact_mut(size).enumerate() {
                number.iter_mut().enumerate().for_each(|(byte, to)| *to = apart[byte * count + i]);
            }
            true
        }
    }
}

/// Adds to each number of `size` bytes the one `stride` before it, modulo its range.
fn add_differences(row: &mut [u8], size: usize, stride: usize, big_endian: bool) {
    for at in (size * stride..row.len().saturating_sub(size - 1)).step_by(size) {
        let mut carry = 0;
        for i in 0..size {
            let byte = if big_endian { size - 1 - i } else { i };
            let sum = u16::from(row[at + byte]) + u16::from(row[at + byte - size * stride]) + carry;
            row[at + byte] = sum as u8;
            carry = sum >> 8;
        }
    }
}

/// The first `count` samples of a row.
fn numbers(row: &[u8], layout: &Layout, big_endian: bool, count: usize, to: &mut Vec<f32>) {
    use Format::*;
    let words = || row.chunks_exact(2).map(|b| (b[0], b[1]));
    let word = |(a, b)| if big_endian { u16::from_be_bytes([a, b]) } else { u16::from_le_bytes([a, b]) };
    let double = |b: &[u8]| {
        let bytes = [b[0], b[1], b[2], b[3]];
        if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    let doubles = || row.chunks_exact(4).map(double);
    match (layout.format, layout.bits) {
        (Unsigned, 8) => to.extend(row.iter().map(|b| f32::from(*b))),
        (Signed, 8) => to.extend(row.iter().map(|b| f32::from(*b as i8))),
        (Unsigned, 16) => to.extend(words().map(word).map(f32::from)),
        (Signed, 16) => to.extend(words().map(word).map(|v| f32::from(v as i16))),
        (Float, 16) => to.extend(words().map(word).map(|v| f16::from_bits(v).to_f32())),
        (Unsigned, 32) => to.extend(doubles().map(|v| v as f32)),
        (Signed, 32) => to.extend(doubles().map(|v| v as i32 as f32)),
        (Float, 32) => to.extend(doubles().map(f32::from_bits)),
        (Float, _) => to.extend(row.chunks_exact(8).map(|b| {
            let (first, second) = (u64::from(double(b)), u64::from(double(&b[4..])));
            let bits = if big_endian { first << 32 | second } else { second << 32 | first };
            f64::from_bits(bits) as f32
        })),
        // Any other depth is a stream of bits, the highest first.
        (_, bits) => to.extend((0..count).map(|i| bit_field(row, i * bits as usize, bits as usize) as f32)),
    }
}

/// `bits` bits, at most 16, from bit `at` on.
fn bit_field(row: &[u8], at: usize, bits: usize) -> u32 {
    let byte = |i: usize| u32::from(row.get(at / 8 + i).copied().unwrap_or(0));
    let window = byte(0) << 16 | byte(1) << 8 | byte(2);
    window >> (24 - at % 8 - bits) & ((1 << bits) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_top() {
        let row = [0b1010_0110, 0b1111_0000, 0b0101_0101];
        assert_eq!((0..4).map(|i| bit_field(&row, i * 5, 5)).collect::<Vec<_>>(), [20, 27, 24, 5]);
        assert_eq!([bit_field(&row, 0, 12), bit_field(&row, 12, 12)], [0xA6F, 0x055]);
        assert_eq!(bit_field(&row, 7, 16), 0b0111_1000_0010_1010);
    }

    #[test]
    fn differences_carry_from_byte_to_byte_in_both_orders() {
        let words = [0x01F0u16, 0x0020, 0xFF00];
        let sums = [0x01F0u16, 0x0210, 0x0110];
        for big_endian in [false, true] {
            let bytes = |words: [u16; 3]| -> Vec<u8> {
                words
                    .iter()
                    .flat_map(|w| if big_endian { w.to_be_bytes() } else { w.to_le_bytes() })
                    .collect()
            };
            let mut row = bytes(words);
            add_differences(&mut row, 2, 1, big_endian);
            assert_eq!(row, bytes(sums));
        }
    }
}

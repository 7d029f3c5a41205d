//! Black and white rows as fax machines code them: ITU-T T.4 (Group 3) and T.6 (Group 4).
//!
//! A row is the list of the columns where its colour changes, beginning with white. The crate `fax` has the code
//! tables; its own decoders know neither two-dimensional Group 3 nor rows without end-of-line codes.

use std::convert::Infallible;

use fax::maps::{Mode, black, mode, white};
use fax::{BitReader, ByteReader};

use super::layout::Fax;
use super::{Outcome, damaged};

/// Zeros that let the last code be looked up like the others.
const PADDING: [u8; 4] = [0; 4];

/// `rows` rows of `width` pixels, 8 to a byte, where 1 is black.
pub(super) fn decode(code: Fax, data: &[u8], width: u32, rows: usize) -> Outcome<Vec<u8>> {
    let bytes = data.iter().chain(&PADDING).map(|byte| Ok::<u8, Infallible>(*byte));
    let Ok(mut reader) = ByteReader::new(bytes);
    let row_bytes = width.div_ceil(8) as usize;
    let mut out = Vec::new();
    let mut row = vec![];
    for y in 0..rows {
        let corrupt = || damaged("TIFF", format!("its fax data is corrupt in row {y} of a strip"));
        row = match next_row(&mut reader, code, &row, width).ok_or_else(corrupt)? {
            Row::Changes(changes) => changes,
            // Some writers leave out white rows at the end.
            Row::End => {
                out.resize(row_bytes * rows, 0);
                break;
            }
        };
        let start = out.len();
        out.resize(start + row_bytes, 0);
        for black in row.chunks(2) {
            let end = black.get(1).copied().unwrap_or(width);
            (black[0]..end).for_each(|x| out[start + x as usize / 8] |= 0x80 >> (x % 8));
        }
    }
    Ok(out)
}

enum Row {
    Changes(Vec<u32>),
    End,
}

/// The row after `above`. `None` for codes that do not exist.
fn next_row(reader: &mut impl BitReader, code: Fax, above: &[u32], width: u32) -> Option<Row> {
    match code {
        Fax::Rle => {
            let row = alone(reader, width)?;
            reader.consume(reader.bits_to_byte_boundary()).ok()?;
            Some(Row::Changes(row))
        }
        Fax::Group3 { mixed } => {
            let ended = skip_end_of_line(reader)?;
            let two_dimensional = mixed && ended && bit(reader)? == 0;
            let row =
                if two_dimensional { after(reader, above, width)? } else { Some(alone(reader, width)?) };
            Some(Row::Changes(row?))
        }
        Fax::Group4 => Some(after(reader, above, width)?.map_or(Row::End, Row::Changes)),
    }
}

fn bit(reader: &mut impl BitReader) -> Option<u16> {
    let bit = reader.peek(1)?;
    reader.consume(1).ok()?;
    Some(bit)
}

/// Skips an end-of-line code, eleven zeros or more and a one, if there is one. Returns whether there was.
fn skip_end_of_line(reader: &mut impl BitReader) -> Option<bool> {
    if reader.peek(11) != Some(0) {
        return Some(false);
    }
    while bit(reader)? == 0 {}
    Some(true)
}

/// The length of a run: codes for multiples of 64 and one for the rest.
fn run(reader: &mut impl BitReader, is_black: bool) -> Option<u32> {
    let mut length = 0u32;
    loop {
        let part = if is_black { black::decode(reader)? } else { white::decode(reader)? };
        length = length.checked_add(part.into())?;
        if part < 64 {
            return Some(length);
        }
    }
}

/// A row that is coded alone: runs of white and black in turn.
fn alone(reader: &mut impl BitReader, width: u32) -> Option<Vec<u32>> {
    let mut changes = vec![];
    let (mut at, mut is_black) = (0u32, false);
    while at < width {
        at = at.checked_add(run(reader, is_black)?).filter(|at| *at <= width)?;
        change(&mut changes, at, width);
        is_black = !is_black;
    }
    Some(changes)
}

/// Notes a change of colour at a column. Two at one column are none, and none is at the end of the row.
fn change(changes: &mut Vec<u32>, at: u32, width: u32) {
    if changes.last() == Some(&at) {
        changes.pop();
    } else if at < width {
        changes.push(at);
    }
}

/// A row that is coded by how it differs from the one above; `None` inside for the code that ends the image.
fn after(reader: &mut impl BitReader, above: &[u32], width: u32) -> Option<Option<Vec<u32>>> {
    let mut changes = vec![];
    // How far the row is coded; -1 at its start, as a change in column 0 counts as one to the right.
    let mut at = -1i64;
    let mut is_black = false;
    let mut next = 0;
    while at < i64::from(width) {
        // The first change above to the right that is to the other colour, and the one after it.
        while next > 0 && i64::from(above[next - 1]) > at {
            next -= 1;
        }
        while above.get(next).is_some_and(|b| i64::from(*b) <= at || (next % 2 == 1) != is_black) {
            next += 1;
        }
        let change_above = |index: usize| above.get(index).map_or(i64::from(width), |b| i64::from(*b));
        let start = at.max(0);
        // The code tables take seven zeros for the code that ends the image.
        if reader.peek(7) == Some(0) {
            return (reader.peek(12) == Some(1)).then_some(None);
        }
        match mode::decode(reader)? {
            Mode::Pass => at = change_above(next + 1),
            Mode::Horizontal => {
                let first = start + i64::from(run(reader, is_black)?);
                at = first + i64::from(run(reader, !is_black)?);
                for column in [first, at] {
                    let inside = u32::try_from(column).ok().filter(|column| *column <= width)?;
                    change(&mut changes, inside, width);
                }
            }
            Mode::Vertical(delta) => {
                at = change_above(next) + i64::from(delta);
                let inside = u32::try_from(at).ok().filter(|c| *c <= width && at >= start)?;
                change(&mut changes, inside, width);
                is_black = !is_black;
            }
            // Uncompressed parts, which no known program writes.
            Mode::Extension | Mode::EOF => return None,
        }
    }
    Some(Some(changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits written as text, padded to a byte.
    fn bits(text: &str) -> Vec<u8> {
        let bits: Vec<u8> = text.bytes().filter(|b| *b != b' ').map(|b| b - b'0').collect();
        bits.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |n, (i, b)| n | b << (7 - i))).collect()
    }

    #[test]
    fn rows_alone_begin_at_a_byte_or_after_an_end_of_line() {
        // 3 white, 5 black, 0 white; then 8 white.
        let (first, second, end) = ("1000 0011", "10011", "000000000001");
        let rle = bits(&format!("{first} {second}"));
        assert_eq!(decode(Fax::Rle, &rle, 8, 2), Ok(vec![0b0001_1111, 0]));
        let group3 = bits(&format!("{end} {first} 0000 {end} {second} {end}"));
        assert_eq!(decode(Fax::Group3 { mixed: false }, &group3, 8, 2), Ok(vec![0b0001_1111, 0]));
        // The second row after the first: its changes are two columns to the left, and at the end.
        let mixed = bits(&format!("{end}1 {first} {end}0 000010 1"));
        assert_eq!(decode(Fax::Group3 { mixed: true }, &mixed, 8, 2), Ok(vec![0b0001_1111, 0b0111_1111]));
    }

    #[test]
    fn group_4_follows_the_row_above() {
        // Horizontal: 2 white, 2 black, then the end. The same again. Pass, then the end. The end of the image.
        let data = bits("001 0111 11 1   1 1 1   0001 1   000000000001");
        let wanted = vec![0b0011_0000, 0b0011_0000, 0, 0];
        assert_eq!(decode(Fax::Group4, &data, 8, 4), Ok(wanted));
    }

    #[test]
    fn nonsense_is_refused() {
        for code in [Fax::Rle, Fax::Group3 { mixed: true }, Fax::Group4] {
            assert!(decode(code, &bits("0000 0010"), 8, 1).is_err(), "{code:?}: no such code");
            assert!(decode(code, &bits("001 0111 11"), 5000, 9).is_err(), "{code:?}: cut off");
        }
    }
}

//! Whether a JPEG file is all there.

/// True if the markers of a JPEG stream lead to its end marker (EOI).
///
/// The decoder is lenient: it fills what is missing from a truncated file with grey. Walking the
/// markers (ITU-T T.81, annex B) finds that out, and unlike a search for the bytes of EOI it is
/// neither misled by the thumbnail inside an EXIF segment nor by anything appended to the file.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    let mut at = 0;
    loop {
        // Whatever precedes the next 0xFF is compressed data.
        let Some(skipped) = bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == 0xFF)) else {
            return false;
        };
        at += skipped + 1;
        match bytes.get(at..) {
            None | Some([]) => return false,
            Some([0xFF, ..]) => {} // a fill byte; it may itself begin the marker
            // Neither a 0xFF of the data, TEM, a restart nor the start of the image has a length.
            Some([0x00 | 0x01 | 0xD0..=0xD8, ..]) => at += 1,
            Some([0xD9, ..]) => return true,
            Some([_, high, low, ..]) => at += 1 + usize::from(u16::from_be_bytes([*high, *low])),
            Some(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_complete;

    #[test]
    fn markers_are_followed_to_the_end() {
        let start = [0xFF, 0xD8];
        // A segment that holds the bytes of an end marker, then a scan with a stuffed 0xFF, a
        // restart and fill bytes.
        let segment = [0xFF, 0xE1, 0x00, 0x06, 0xFF, 0xD9, 0xFF, 0xD9];
        let scan = [0xFF, 0xDA, 0x00, 0x03, 0x01, 0x12, 0xFF, 0x00, 0xFF, 0xD0, 0x34, 0xFF];
        let whole = [&start[..], &segment, &scan, &[0xFF, 0xD9]].concat();
        assert!(is_complete(&whole));
        assert!(is_complete(&[&whole[..], b"appended by a phone"].concat()));
        for end in 0..whole.len() {
            assert!(!is_complete(&whole[..end]), "cut at {end}");
        }
    }
}

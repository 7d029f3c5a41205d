//! The font of charts and sheets: measures, shortens, wraps and draws text.
//!
//! It is a part of DejaVu Sans (see `assets/font`) and is compiled in, because a machine may have no fonts. It
//! covers Latin, Greek and Cyrillic; a character beyond these is drawn as a box.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

const DATA: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/font/dejavu-sans-subset.ttf"));

/// Height of a lower-case x over the font's size; text is centred on its half.
pub const X_HEIGHT: f64 = 0.547;

/// The font; `None` if the data cannot be read, which a test rules out.
fn font() -> Option<&'static FontRef<'static>> {
    static FONT: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    FONT.get_or_init(|| FontRef::try_from_slice(DATA).ok()).as_ref()
}

/// Glyphs of a text with the distance of each from the start, and the width of all. `size` is in pixels an em.
fn typeset(font: &FontRef<'static>, text: &str, size: f64) -> (Vec<ab_glyph::Glyph>, f32) {
    let scale = font.units_per_em().map_or(1.0, |units| font.height_unscaled() / units) * size as f32;
    let scaled = font.as_scaled(PxScale::from(scale));
    let (mut glyphs, mut x, mut last) = (vec![], 0.0, None);
    for letter in text.chars() {
        let id = scaled.glyph_id(letter);
        x += last.map_or(0.0, |last| scaled.kern(last, id));
        glyphs.push(id.with_scale_and_position(PxScale::from(scale), point(x, 0.0)));
        x += scaled.h_advance(id);
        last = Some(id);
    }
    (glyphs, x)
}

/// Width of a line of text in pixels; `size` is in pixels an em.
pub fn width(text: &str, size: f64) -> f64 {
    font().map_or(0.0, |font| f64::from(typeset(font, text, size).1))
}

/// Draws a line of text that starts at `x` on the baseline `y`: calls `ink` for each pixel that it covers, with
/// the pixel's column, row and covered part in 0..=1. Pixels may have negative coordinates.
pub fn draw(text: &str, (x, y): (f64, f64), size: f64, mut ink: impl FnMut(i32, i32, f32)) {
    let Some(font) = font() else { return };
    for mut glyph in typeset(font, text, size).0 {
        glyph.position += point(x as f32, y as f32);
        let Some(outline) = font.outline_glyph(glyph) else { continue };
        let corner = outline.px_bounds().min;
        outline.draw(|column, row, part| {
            ink(corner.x as i32 + column as i32, corner.y as i32 + row as i32, part.clamp(0.0, 1.0));
        });
    }
}

/// The text, cut and ended with `…` where it is wider than `space` pixels.
pub fn shortened(text: &str, size: f64, space: f64) -> String {
    if width(text, size) <= space {
        return text.into();
    }
    let mut kept = text.to_string();
    while kept.pop().is_some() && width(&format!("{}…", kept.trim_end()), size) > space {}
    format!("{}…", kept.trim_end())
}

/// The text in at most `most` lines of `space` pixels, broken between words, and within words that are too wide. A
/// last line that does not hold the rest is cut with `…`.
pub fn wrapped(text: &str, size: f64, space: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split_whitespace().flat_map(|word| pieces(word, size, space)) {
        let is_last = lines.len() == most;
        match lines.last_mut() {
            Some(line) if is_last || width(&format!("{line} {word}"), size) <= space => {
                *line += &format!(" {word}");
            }
            _ => lines.push(word),
        }
    }
    lines.iter().map(|line| shortened(line, size, space)).collect()
}

/// A word in pieces that are at most `space` pixels wide, each with at least one letter.
fn pieces(word: &str, size: f64, space: f64) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for letter in word.chars() {
        let has_space =
            |piece: &String| piece.is_empty() || width(&format!("{piece}{letter}"), size) <= space;
        match pieces.last_mut() {
            Some(piece) if has_space(piece) => piece.push(letter),
            _ => pieces.push(letter.into()),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covered area of a text in pixels, and the columns that it covers.
    fn inked(text: &str) -> (f32, Option<(i32, i32)>) {
        let (mut area, mut columns) = (0.0, None);
        draw(text, (10.0, 20.0), 16.0, |x, _, part| {
            area += part;
            if part > 0.0 {
                let (first, last) = columns.unwrap_or((x, x));
                columns = Some((x.min(first), x.max(last)));
            }
        });
        (area, columns)
    }

    #[test]
    fn letters_lie_within_the_width_of_their_text() {
        assert_eq!(inked(" "), (0.0, None));
        for text in ["conv1_1", "Größe", "Щука", "α/β = 1e-3", "日本語.jpg", "a\u{308}b", "🎨"] {
            let (area, columns) = inked(text);
            let (first, last) = columns.unwrap();
            assert!(area > 20.0, "{text}");
            let right = 10.0 + width(text, 16.0);
            assert!(first >= 9 && f64::from(last) <= right + 1.0, "{text}: {first} to {last}, not {right}");
        }
        // A letter with a mark above has more ink than the letter; a character of another script is a box.
        assert!(inked("ü").0 > inked("u").0 && inked("a\u{308}").0 > inked("a").0);
        assert_eq!(inked("日"), inked("本"));
        assert!((width("ab", 32.0) - 2.0 * width("ab", 16.0)).abs() < 0.1);
    }

    #[test]
    fn long_text_is_cut_or_wrapped() {
        let space = width("a long nam", 12.0);
        assert_eq!(shortened("a name", 12.0, space), "a name");
        let cut = shortened("a long name.jsonl", 12.0, space);
        assert!(cut.starts_with("a long") && cut.ends_with('…') && width(&cut, 12.0) <= space, "{cut}");
        assert_eq!(wrapped("a long name indeed", 12.0, space, 3), ["a long", "name", "indeed"]);
        let two = wrapped("a long name indeed and more", 12.0, space, 2);
        assert_eq!((two.len(), two[0].as_str()), (2, "a long"));
        assert!(two[1].starts_with("name") && two[1].ends_with('…'), "{two:?}");
        assert!(wrapped("  ", 12.0, space, 2).is_empty());
        let broken = wrapped("a_name_without_any_space", 12.0, space, 9);
        assert_eq!(broken.concat(), "a_name_without_any_space");
        assert!(broken.len() > 2 && broken.iter().all(|line| width(line, 12.0) <= space), "{broken:?}");
        assert_eq!(shortened("abc", 12.0, 0.0), "…");
    }
}

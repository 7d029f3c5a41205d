//! The font of charts, which travels with the program: there may be none on the machine.

use std::sync::OnceLock;

use plotters::style::{FontStyle, register_font};

/// The name under which charts ask for it; in an SVG, the viewer's own font of this kind is taken.
pub(super) const FAMILY: &str = "sans-serif";

/// A part of DejaVu Sans; see `assets/font`.
const DATA: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/font/dejavu-sans-subset.ttf"));

/// Makes the font known to the drawing library; false if it cannot read it.
pub(super) fn register() -> bool {
    static DONE: OnceLock<bool> = OnceLock::new();
    *DONE.get_or_init(|| register_font(FAMILY, FontStyle::Normal, DATA).is_ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_font_can_be_read() {
        assert!(super::register());
    }
}

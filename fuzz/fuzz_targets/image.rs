//! A picture of any format: an image of finite values in 0..=255 with opacities of its size, or one line that says what
//! is wrong.
#![no_main]

use std::path::Path;

use impasto::image_io::{Decoded, Image};
use libfuzzer_sys::{Corpus, fuzz_target};

/// Headers may promise up to 2^28 pixels, which are made in a second: too slow to learn from.
const MOST_PIXELS: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let size = image_size(bytes);
    if size.is_some_and(|(width, height)| u64::from(width) * u64::from(height) > MOST_PIXELS) {
        return Corpus::Reject;
    }
    match Image::parse(Path::new("input"), bytes) {
        Ok(Decoded { image, alpha, warnings }) => {
            let pixels = image.width() as usize * image.height() as usize;
            assert_eq!(image.pixels().len(), pixels * 3);
            let in_range = |values: &[f32]| values.iter().all(|value| (0.0..=255.0).contains(value));
            assert!(in_range(image.pixels()));
            assert!(alpha.is_none_or(|alpha| alpha.values().len() == pixels && in_range(alpha.values())));
            assert!(warnings.iter().all(|warning| !warning.contains('\n')), "{warnings:?}");
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with("input: ") && !text.contains('\n'), "{text}");
        }
    }
    Corpus::Keep
});

/// What the header says.
fn image_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().ok()?;
    reader.into_dimensions().ok()
}

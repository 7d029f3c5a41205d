use std::panic::catch_unwind;
use std::path::Path;

use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba};

use super::support::*;
use crate::Error;
use crate::image_io::Image;

/// What the image crate makes of a picture.
fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The message for bytes in a file called `name`, which must name it and hold each of `parts`.
#[track_caller]
fn assert_refused(name: &str, bytes: &[u8], parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), name, bytes);
    let error = Image::load(&path).unwrap_err();
    assert!(matches!(error, Error::Image { .. }));
    let text = error.to_string();
    for part in parts.iter().chain([&path.to_str().unwrap()]) {
        assert!(text.contains(part), "no '{part}' in: {text}");
    }
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn the_content_decides_the_format() {
    let image = sample(5, 4);
    let raw = ImageBuffer::from_fn(5, 4, |x, y| {
        let at = (y * 5 + x) as usize * 3;
        Rgb([0, 1, 2].map(|c| image.pixels()[at + c] as u8))
    });
    let folder = tempfile::tempdir().unwrap();
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Bmp] {
        let path = write(folder.path(), "lies.jpg", &encoded(raw.clone(), format));
        assert_eq!(Image::load(path).unwrap(), image, "{format:?}");
    }
}

#[test]
fn grey_becomes_rgb() {
    let grey = ImageBuffer::from_fn(3, 2, |x, y| Luma([(x * 80 + y * 40) as u8]));
    for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Jpeg] {
        let image = load(&encoded(grey.clone(), format)).unwrap();
        for (pixel, wanted) in image.pixels().chunks_exact(3).zip(grey.pixels()) {
            assert!(pixel.iter().all(|v| (v - f32::from(wanted[0])).abs() <= 4.0), "{format:?}");
            assert_eq!((pixel[0], pixel[0]), (pixel[1], pixel[2]), "{format:?}");
        }
    }
}

#[test]
fn sixteen_bits_and_floats_keep_their_precision() {
    let words: [u16; 6] = [0, 1, 257, 30_000, 65_534, 65_535];
    let wanted = words.map(|v| f32::from(v) / 257.0);
    let deep = ImageBuffer::<Rgb<u16>, _>::from_raw(2, 1, words.to_vec()).unwrap();
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        assert_eq!(load(&encoded(deep.clone(), format)).unwrap().pixels(), wanted, "{format:?}");
    }
    let grey = ImageBuffer::<Luma<u16>, _>::from_raw(1, 1, vec![30_000]).unwrap();
    assert_eq!(load(&encoded(grey, ImageFormat::Png)).unwrap().pixels(), [wanted[3]; 3]);

    let page = |floats: &[f32]| {
        let data: Vec<u8> = floats.iter().flat_map(|v| v.to_le_bytes()).collect();
        tiff(&[Page { width: 2, height: 1, bits: 32, kind: 3, orientation: 1, data: &data }])
    };
    let image = load(&page(&[0.0, 0.123_456, 1.0, 2.5, -0.5, 0.5])).unwrap();
    assert_eq!(image.pixels(), [0.0, 0.123_456 * 255.0, 255.0, 255.0, 0.0, 127.5]);
    assert_refused("a.tif", &page(&[0.0, 0.0, 0.0, 0.0, f32::NAN, 0.0]), &["x 1, y 0 is NaN"]);
}

#[test]
fn transparency_shows_white() {
    let rgba: Vec<u8> = [[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 255, 51]].concat();
    let picture = ImageBuffer::<Rgba<u8>, _>::from_raw(3, 1, rgba).unwrap();
    let wanted = [10.0, 20.0, 30.0, 255.0, 255.0, 255.0, 204.0, 224.0, 255.0];
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Bmp] {
        let image = load(&encoded(picture.clone(), format)).unwrap();
        for (found, wanted) in image.pixels().iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-3, "{format:?}: {:?}", image.pixels());
        }
    }
    let grey = ImageBuffer::<LumaA<u16>, _>::from_raw(1, 1, vec![0, 32_768]).unwrap();
    let image = load(&encoded(grey, ImageFormat::Png)).unwrap();
    assert!((image.pixels()[1] - (255.0 - 32_768.0 / 257.0)).abs() < 1e-3);
}

#[test]
fn each_orientation_is_turned_upright() {
    let (w, h) = (3usize, 2usize);
    let stored = sample(w as u32, h as u32);
    let data: Vec<u8> = stored.pixels().iter().map(|v| *v as u8).collect();
    let jpeg = saved(&sample(48, 32), "jpg");
    let png = saved(&stored, "png");
    for orientation in 1..=8u8 {
        let turned = orientation > 4;
        let size = if turned { (2, 3) } else { (3, 2) };
        // Which stored pixel is shown at x, y (EXIF 2.3, tag 274).
        let source = |x: usize, y: usize| match orientation {
            1 => (x, y),
            2 => (w - 1 - x, y),
            3 => (w - 1 - x, h - 1 - y),
            4 => (x, h - 1 - y),
            5 => (y, x),
            6 => (y, h - 1 - x),
            7 => (w - 1 - y, h - 1 - x),
            _ => (w - 1 - y, x),
        };
        let order = u16::from(orientation);
        let page = Page { width: 3, height: 2, bits: 8, kind: 1, orientation: order, data: &data };
        let with_prefix = [b"Exif\0\0", &exif(orientation)[..]].concat();
        for file in [
            tiff(&[page]),
            png_with_chunk(&png, b"eXIf", &exif(orientation)),
            png_with_chunk(&png, b"eXIf", &with_prefix),
        ] {
            let image = load(&file).unwrap();
            assert_eq!((image.width(), image.height()), size, "{orientation}");
            for (at, pixel) in image.pixels().chunks_exact(3).enumerate() {
                let (x, y) = source(at % size.0 as usize, at / size.0 as usize);
                assert_eq!(pixel, &stored.pixels()[(y * w + x) * 3..][..3], "{orientation}");
            }
        }
        let image = load(&jpeg_with_exif(&jpeg, orientation)).unwrap();
        let size = if turned { (32, 48) } else { (48, 32) };
        assert_eq!((image.width(), image.height()), size, "{orientation}");
    }
    // A broken orientation is no reason to refuse a picture.
    assert_eq!(load(&png_with_chunk(&png, b"eXIf", &exif(9))).unwrap(), stored);
    assert_eq!(load(&png_with_chunk(&png, b"eXIf", b"MM")).unwrap(), stored);
}

#[test]
fn the_first_of_several_pictures_is_taken() {
    let (first, second) = ([10, 20, 30, 40, 50, 60], [1; 6]);
    let page = |data| Page { width: 2, height: 1, bits: 8, kind: 1, orientation: 1, data };
    let image = load(&tiff(&[page(&first), page(&second)])).unwrap();
    assert_eq!(image.pixels(), first.map(f32::from));
    let still = saved(&sample(4, 3), "webp");
    let black = saved(&Image::from_rgb(4, 3, vec![0.0; 36]).unwrap(), "webp");
    let image = load(&animated_webp(4, 3, &[still, black])).unwrap();
    assert_eq!((image.width(), image.height()), (4, 3));
    // The decoder blends the frame onto the canvas, which may cost a level.
    for (found, wanted) in image.pixels().iter().zip(sample(4, 3).pixels()) {
        assert!((found - wanted).abs() <= 1.0, "{found} for {wanted}");
    }
}

#[test]
fn what_is_no_image_is_refused() {
    assert_refused("notes.png", b"Dear diary, today I painted.", &["not an image", "PNG, JPEG"]);
    assert_refused("empty.jpg", b"", &["empty"]);
    assert_refused("a.png", b"qoif\0\0\0\x01", &["QOI", "convert it to PNG"]);
    assert_refused("a.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", &["HEIC cannot be read: convert it with"]);
    assert_refused("a.bmp", b"BMW is a maker of cars and motorcycles.", &["BMP"]);
    let folder = tempfile::tempdir().unwrap();
    let error = Image::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is a folder"), "{error}");
    let error = Image::load(folder.path().join("gone.png")).unwrap_err().to_string();
    assert!(error.contains("gone.png: cannot read: entity not found"), "{error}");
    let file = write(folder.path(), "file", b"x");
    let error = Image::load(file.join("a.png")).unwrap_err().to_string();
    assert!(error.contains("cannot read: not a directory"), "{error}");
    #[cfg(unix)]
    assert!(Image::load("/dev/null").unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn truncated_files_are_refused() {
    let image = sample(64, 48);
    for extension in ["jpg", "png", "webp", "tif"] {
        let whole = saved(&image, extension);
        assert!(load(&whole).is_ok());
        for percent in [10, 30, 50, 70, 90] {
            let part = &whole[..whole.len() * percent / 100];
            let name = format!("cut.{extension}");
            assert_refused(&name, part, &["truncated or damaged"]);
        }
    }
    let jpeg = saved(&image, "jpg");
    assert!(load(&[&jpeg[..], b"appended"].concat()).is_ok());
    let bmp = encoded(ImageBuffer::<Rgb<u8>, _>::new(40, 30), ImageFormat::Bmp);
    assert_refused("cut.bmp", &bmp[..bmp.len() / 2], &["truncated or damaged BMP"]);
}

/// However a file is cut: it is refused, or it gives every pixel and a warning.
#[test]
fn no_cut_leaves_wrong_pixels() {
    let image = sample(40, 24);
    for (extension, end) in [("jpg", &b"\xFF\xD9"[..]), ("png", b"\0\0\0\0IEND\xAE\x42\x60\x82")] {
        let whole = saved(&image, extension);
        let pixels = load(&whole).unwrap();
        let mut read = 0;
        for cut in whole.len() / 4..whole.len() {
            let part = &whole[..cut];
            // As it is, with room that was reserved, ended by a program that did not look, and with fill bytes.
            let reserved = [part, &[0; 4000]].concat();
            let (ended, filled) = ([part, end].concat(), [part, &[0xFF; 3]].concat());
            for (i, file) in [part, &reserved, &ended, &filled].iter().enumerate() {
                let Ok(decoded) = Image::parse(Path::new("a"), file) else { continue };
                // A byte less than the scan has, with an end marker behind it, cannot be told from a whole scan.
                let unknowable = i == 2 && cut + 3 >= whole.len() || file.starts_with(&whole);
                assert!(
                    decoded.image == pixels || unknowable,
                    "{extension} {i} cut at {cut} of {}",
                    whole.len()
                );
                assert!(
                    decoded.warnings.len() == 1 || unknowable,
                    "{extension} {i} cut at {cut}: no warning"
                );
                read += 1;
            }
        }
        assert!(read > 1, "{extension}: {read}");
    }
}

#[test]
fn bombs_are_refused_by_their_header() {
    let header = |w: u32, h: u32| {
        let size = [w.to_be_bytes(), h.to_be_bytes()].concat();
        let ihdr = png_chunk(b"IHDR", &[&size[..], &[8, 2, 0, 0, 0]].concat());
        [b"\x89PNG\r\n\x1a\n", &ihdr[..], &png_chunk(b"IDAT", &[0; 10]), &png_chunk(b"IEND", &[])].concat()
    };
    assert_refused("a.png", &header(60_000, 60_000), &["60000 x 60000", "268435456", "smaller"]);
    assert_refused("a.png", &header(1 << 30, 1 << 30), &["268435456 pixels", "smaller"]);
    assert_refused("a.png", &header(0, 5), &["PNG"]);
    let mut jpeg = saved(&sample(8, 8), "jpg");
    let sof = jpeg.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    jpeg[sof + 5..sof + 9].fill(0xFF);
    assert_refused("a.jpg", &jpeg, &["65535 x 65535", "smaller"]);
    let page = Page { width: 60_000, height: 60_000, bits: 8, kind: 1, orientation: 1, data: &[0; 6] };
    assert_refused("a.tif", &tiff(&[page]), &["60000 x 60000", "smaller"]);
}

#[test]
fn mangled_files_never_panic() {
    let image = sample(24, 17);
    let mut files = ["jpg", "png", "webp", "tif"].map(|e| saved(&image, e)).to_vec();
    files.push(encoded(ImageBuffer::<Rgb<u8>, _>::new(9, 7), ImageFormat::Bmp));
    files.push(animated_webp(24, 17, &[files[2].clone()]));
    // The size of an animation is left alone: whatever it says is what a frame is put into.
    let unharmed = |file: &[u8]| if file[12..].starts_with(b"VP8X") { 30 } else { 0 };
    // xorshift32: the same damage on every run.
    let mut state = 0x9E37_79B9u32;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize
    };
    for file in files {
        for round in 0..150 {
            let mut bytes = file.clone();
            for _ in 0..1 + round % 4 {
                // Headers are the interesting part.
                let reach = if random() % 2 == 0 { bytes.len().min(64) } else { bytes.len() };
                let at = unharmed(&file).max(random() % reach);
                bytes[at] = random() as u8;
            }
            assert!(catch_unwind(|| drop(load(&bytes))).is_ok(), "round {round}: {:?}", &bytes[..64]);
        }
    }
}

/// A chunk of a mebibyte may unpack to a gibibyte of text.
#[test]
fn notes_that_unpack_without_end_are_not_read() {
    let note = |length: usize| {
        let mut png = vec![];
        let mut text = png::text_metadata::ITXtChunk::new("impasto", "a".repeat(length));
        text.compressed = true;
        let mut writer = png::Encoder::new(&mut png, 1, 1).write_header().unwrap();
        writer.write_text_chunk(&text).unwrap();
        writer.write_image_data(&[0]).unwrap();
        drop(writer);
        png
    };
    assert_eq!(Image::parse_note(Path::new("a.png"), &note(1000)).unwrap().len(), 1000);
    let bomb = note(64 << 20);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let error = Image::parse_note(Path::new("a.png"), &bomb).unwrap_err().to_string();
    assert!(error.starts_with("a.png: carries no note"), "{error}");
}

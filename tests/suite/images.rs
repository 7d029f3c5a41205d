//! Small files of every kind that is read, against the pixels that other programs make of them.
//! `tests/reference/make_images.py` writes both.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common;
use impasto::image_io::{Decoded, Image};

/// Levels of 255 that a file's pixels may be off.
fn tolerance(name: &str) -> f32 {
    let profiled = name.starts_with("icc-") || name.starts_with("exif-");
    match name {
        // Between the entries of a table, littleCMS differs by more between its own settings.
        _ if name.contains("lut") => 6.0,
        // A transform makes three levels more in dark colours.
        _ if profiled && name.ends_with(".jpg") => 6.0,
        _ if profiled => 2.0,
        // Rounding of colours, inverse transforms, filters for chroma.
        _ => 3.0,
    }
}

fn folder() -> PathBuf {
    common::root().join("tests/images")
}

/// Names of the files, and of those that hold their pixels.
fn files() -> Vec<(String, String)> {
    let index = fs::read_to_string(folder().join("index.txt")).unwrap();
    let pair = |line: &str| line.split_once(' ').map(|(file, pixels)| (file.into(), pixels.into()));
    index.lines().map(|line| pair(line).unwrap()).collect()
}

/// Width, height and pixels of a binary PPM as the script writes it: a line, then bytes.
fn ppm(name: &str) -> (u32, u32, Vec<f32>) {
    let bytes = fs::read(folder().join(name)).unwrap();
    let end = bytes.iter().position(|b| *b == b'\n').unwrap();
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let numbers: Vec<u32> = head.split(' ').skip(1).map(|n| n.parse().unwrap()).collect();
    (numbers[0], numbers[1], bytes[end + 1..].iter().map(|b| f32::from(*b)).collect())
}

/// The largest difference of a file's pixels to the expected ones, or what went wrong.
fn difference(name: &str, expected: &str) -> Result<f32, String> {
    let image = Image::load(folder().join(name)).map_err(|e| e.to_string())?;
    let (width, height, pixels) = ppm(expected);
    if (image.width(), image.height()) != (width, height) {
        return Err(format!("{} x {} instead of {width} x {height}", image.width(), image.height()));
    }
    Ok(image.pixels().iter().zip(pixels).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max))
}

#[test]
fn every_kind_decodes_as_elsewhere() {
    let files = files();
    assert!(files.len() > 100);
    let faults: Vec<String> = files
        .iter()
        .filter_map(|(name, expected)| match difference(name, expected) {
            Ok(off) if off <= tolerance(name) => None,
            Ok(off) => Some(format!("{name}: off by {off}")),
            Err(reason) => Some(format!("{name}: {reason}")),
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn only_what_a_user_should_know_is_a_warning() {
    for (name, _) in files() {
        let Decoded { warnings, .. } = Image::read(folder().join(&name)).unwrap();
        let expected = match &name {
            name if name.starts_with("damaged-") => "damaged",
            name if name.contains("-to-") => "none is above",
            name if name.starts_with("warned-") => "taken as sRGB",
            _ => "",
        };
        match &warnings[..] {
            [] => assert!(expected.is_empty(), "{name}: no warning"),
            [warning] => {
                assert!(!expected.is_empty() && warning.contains(expected), "{name}: {warning}");
                assert!(!warning.contains('\n'), "{name}: {warning}");
            }
            several => panic!("{name}: {several:?}"),
        }
    }
}

/// Damage to any file: an image or an error, and never a panic.
#[test]
fn mangled_files_never_panic() {
    // xorshift32: the same damage on every run.
    let mut state = 0x9E37_79B9u32;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize
    };
    for (name, _) in files() {
        let file = fs::read(folder().join(&name)).unwrap();
        for round in 0..40 {
            let mut bytes = file.clone();
            for _ in 0..1 + round % 4 {
                // Headers are the interesting part, and those of TIFF are at the end.
                let reach = if round % 3 == 0 { bytes.len() } else { bytes.len().min(200) };
                let at = random() % reach;
                let at = if round % 3 == 1 && name.ends_with(".tif") { bytes.len() - 1 - at } else { at };
                bytes[at] = random() as u8;
            }
            let parse = || drop(Image::parse(Path::new(&name), &bytes));
            assert!(std::panic::catch_unwind(parse).is_ok(), "{name}, round {round}");
        }
    }
}

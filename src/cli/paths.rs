//! Paths as people give them: quoted, as `file://` addresses, and `-` for standard input and output.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use impasto::image_io::{Decoded, Depth, Encoding, Image, check_depth, check_output, check_output_fits};
use impasto::painter::Start;
use impasto::{Error, Result};

use super::terminal::{print_bytes, say};

/// The path that stands for standard input or standard output.
const STANDARD: &str = "-";

/// Name of standard input in messages.
const INPUT: &str = "standard input";

/// Name of standard output in messages.
const OUTPUT: &str = "standard output";

/// The parser of every argument and option that takes a path.
pub fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(plain)
}

/// The parser of `--init`: a word or a path.
pub fn start() -> impl TypedValueParser<Value = Start> {
    PathBufValueParser::new().map(plain).map(|path| match path.to_str() {
        Some(text) => text.parse().unwrap_or_else(|never: Infallible| match never {}),
        None => Start::File(path),
    })
}

/// The path without quotes around it and without `file://`, unless a file has that very name.
pub fn plain(given: PathBuf) -> PathBuf {
    if given.exists() {
        return given;
    }
    let Some(text) = given.to_str() else { return given };
    let text = unquoted(text);
    match text.strip_prefix("file://") {
        Some(address) => from_address(address),
        None => text.into(),
    }
}

fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('\'').or_else(|| inside('"')).filter(|inside| !inside.is_empty()).unwrap_or(text)
}

/// The path of an address without its `file://`.
fn from_address(address: &str) -> PathBuf {
    let path = address.strip_prefix("localhost").unwrap_or(address);
    // On Windows an address is file:///C:/folder/file.
    let path = if cfg!(windows) { path.trim_start_matches('/') } else { path };
    path_of_bytes(percent_decoded(path.as_bytes()))
}

#[cfg(unix)]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    OsString::from(String::from_utf8_lossy(&bytes).into_owned()).into()
}

/// Bytes with each `%` and two hexadecimal digits replaced by the byte that they stand for.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut at) = (vec![], 0);
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    bytes
}

/// Whether a path stands for standard input or standard output.
pub fn is_standard(path: &Path) -> bool {
    path.as_os_str() == STANDARD
}

/// The image in a file or on standard input. Damage that leaves the image readable is a warning.
///
/// # Errors
/// [`Error::Image`] naming the file.
pub fn load_image(path: &Path) -> Result<Image> {
    read_image(path).map(|decoded| decoded.image)
}

/// The same with its transparency.
///
/// # Errors
/// As [`load_image`].
pub fn read_image(path: &Path) -> Result<Decoded> {
    let decoded = if is_standard(path) { read_input()? } else { Image::read(path)? };
    for warning in &decoded.warnings {
        say(format_args!("warning: {}: {warning}", path.display()));
    }
    Ok(decoded)
}

/// The image on standard input.
fn read_input() -> Result<Decoded> {
    let mut bytes = vec![];
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|e| Error::Image { path: INPUT.into(), reason: format!("cannot read: {}", e.kind()) })?;
    Image::parse(Path::new(INPUT), &bytes)
}

/// The initial image with its file read.
///
/// # Errors
/// As [`load_image`].
pub fn load_start(start: &Start) -> Result<Start> {
    match start {
        Start::File(path) => Ok(Start::Image(load_image(path)?)),
        other => Ok(other.clone()),
    }
}

/// Finds out before long work whether an image can be written to a file or to standard output.
///
/// # Errors
/// [`Error::Output`] naming the file.
pub fn check_image_output(path: &Path) -> Result<()> {
    if !is_standard(path) {
        return check_output(path);
    }
    match std::io::stdout().is_terminal() {
        true => Err(Error::Output {
            path: OUTPUT.into(),
            reason: "it is a terminal: redirect it to a file or a program".into(),
        }),
        false => Ok(()),
    }
}

/// Finds out whether the format of a file can hold an image of this size.
///
/// # Errors
/// [`Error::Output`] naming the file.
pub fn check_image_fits(path: &Path, width: u32, height: u32) -> Result<()> {
    if is_standard(path) { Ok(()) } else { check_output_fits(path, width, height) }
}

/// Finds out whether the format of a file can hold this depth.
///
/// # Errors
/// [`Error::Output`] naming the file.
pub fn check_image_depth(path: &Path, depth: Depth) -> Result<()> {
    if is_standard(path) { Ok(()) } else { check_depth(path, depth) }
}

/// Writes an image to a file, or as PNG to standard output.
///
/// # Errors
/// [`Error::Output`] naming the file.
pub fn save_image(image: &Image, path: &Path, encoding: &Encoding) -> Result<()> {
    if !is_standard(path) {
        return image.save_as(path, encoding);
    }
    let failed =
        |e: std::io::Error| Error::Output { path: std::env::temp_dir(), reason: e.kind().to_string() };
    let folder = tempfile::tempdir().map_err(failed)?;
    let file = folder.path().join("image.png");
    image.save_as(&file, encoding)?;
    print_bytes(&std::fs::read(&file).map_err(failed)?)
}

/// The name of a path in messages.
pub fn shown(path: &Path) -> String {
    if is_standard(path) { OUTPUT.into() } else { path.display().to_string() }
}

/// The first of `name.ext`, `name-2.ext` and so on that does not exist.
pub fn unused(path: PathBuf) -> PathBuf {
    let numbered = |n: usize| {
        let mut name = path.file_stem().unwrap_or_default().to_os_string();
        name.push(format!("-{n}"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    };
    if !path.exists() {
        return path;
    }
    (2..).map(numbered).find(|path| !path.exists()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_addresses_are_taken_off() {
        for (given, expected) in [
            ("a b.png", "a b.png"),
            ("'a b.png'", "a b.png"),
            ("\"a b.png\"", "a b.png"),
            ("file:///tmp/a%20b%2c.png", "/tmp/a b,.png"),
            ("'file://localhost/tmp/100%.png'", "/tmp/100%.png"),
            ("file:///tmp/%C3%BC.png", "/tmp/ü.png"),
            ("''", "''"),
            ("-", "-"),
            ("a'", "a'"),
        ] {
            assert_eq!(plain(given.into()), Path::new(expected), "{given}");
        }
    }

    #[test]
    fn a_file_of_that_name_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let quoted = folder.path().join("'a'");
        std::fs::write(&quoted, "").unwrap();
        assert_eq!(plain(quoted.clone()), quoted);
        assert_eq!(unused(quoted), folder.path().join("'a'-2"));
    }
}

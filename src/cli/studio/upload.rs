//! Pictures that a page sends: bounded, and named by names only.
//!
//! The body of such a request is a line of JSON, which describes the files, and then the files one after the other.

use std::io::{self, BufRead, Read, Write};

use impasto::Error;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::http::Request;
use super::refusal::Refusal;

/// Bytes of a request, and of one of its files.
pub const MOST: u64 = 512 << 20;
pub const MOST_OF_FILE: u64 = 256 << 20;
/// Bytes of the line that describes the files.
const LONGEST_LINE: u64 = 64 << 10;
/// Bytes of a name: file systems take 255, and endings are added.
const LONGEST_NAME: usize = 180;

/// A file of a request.
#[derive(Debug, Deserialize)]
pub struct File {
    pub name: String,
    pub size: u64,
}

/// The body of a request, read as far as the files.
pub struct Upload<'a> {
    reader: &'a mut dyn BufRead,
}

impl<'a> Upload<'a> {
    /// Reads the line of JSON.
    pub fn begin<T: DeserializeOwned>(request: &'a mut Request) -> Result<(T, Self), Refusal> {
        let Some(length) = request.length() else {
            return Err(Refusal::new(
                411,
                "The length of the upload is not told: use the studio's own page.",
            ));
        };
        check_size("The upload", length, MOST)?;
        let reader = request.body();
        let mut line = vec![];
        let read = reader.take(LONGEST_LINE).read_until(b'\n', &mut line);
        read.map_err(|e| cut_off(&e))?;
        let head = serde_json::from_slice(&line)
            .map_err(|e| Refusal::new(400, format!("The request cannot be read ({e}): reload the page.")))?;
        Ok((head, Self { reader }))
    }

    /// Copies the next file.
    pub fn file(&mut self, file: &File, to: &mut dyn Write) -> Result<(), Refusal> {
        check_size(&file.name, file.size, MOST_OF_FILE)?;
        let copied = io::copy(&mut self.reader.take(file.size), to);
        let copied = copied.map_err(|e| {
            Refusal::new(500, format!("{} cannot be kept ({}): is the disk full?", file.name, e.kind()))
        })?;
        match copied == file.size {
            true => Ok(()),
            false => Err(cut_off(&io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

fn cut_off(error: &io::Error) -> Refusal {
    Refusal::new(400, format!("The upload was cut off ({}): try again.", error.kind()))
}

/// Refuses what is larger than `most`.
pub fn check_size(what: &str, size: u64, most: u64) -> Result<(), Refusal> {
    if size <= most {
        return Ok(());
    }
    let (size, most) = (size.div_ceil(1 << 20), most >> 20);
    Err(Refusal::new(
        413,
        format!("{what} has {size} MiB, and the studio takes {most}: make the picture smaller."),
    ))
}

/// The name of a file as the page tells it, fit for any file system.
///
/// # Errors
/// For a path, and for what is no name.
pub fn file_name(told: &str) -> Result<String, Refusal> {
    let is_name = !told.trim().is_empty()
        && !told.contains(['/', '\\'])
        && !told.chars().any(char::is_control)
        && ![".", ".."].contains(&told.trim());
    if !is_name {
        let error = Error::Usage(format!("{told:?} is no name of a file: rename the picture"));
        return Err(error.into());
    }
    let mut name: String = told.chars().map(|c| if "<>:\"|?*".contains(c) { '_' } else { c }).collect();
    while name.len() > LONGEST_NAME {
        // The ending stays.
        let middle = name.char_indices().map(|(at, _)| at).take_while(|at| *at <= LONGEST_NAME / 2).last();
        name.remove(middle.unwrap_or(0));
    }
    // Hidden files, and names that Windows reserves or does not open.
    let name = name.trim().trim_end_matches('.');
    let stem = name.split('.').next().unwrap_or_default().to_uppercase();
    let is_device = ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str())
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")));
    Ok(if is_device || name.starts_with('.') { format!("_{name}") } else { name.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_only() {
        for (told, name) in [
            ("cat.jpg", "cat.jpg"),
            ("Ärger mit é.png", "Ärger mit é.png"),
            ("a:b?.png", "a_b_.png"),
            (".profile", "_.profile"),
            ("con.png", "_con.png"),
            ("console.png", "console.png"),
            (" x. ", "x"),
        ] {
            assert_eq!(file_name(told).unwrap(), name);
        }
        let long = file_name(&format!("{}.jpg", "ü".repeat(300))).unwrap();
        assert!(long.len() <= LONGEST_NAME && long.ends_with("ü.jpg"), "{long}");
        for told in
            ["", " ", ".", "..", "../a.png", "a/b.png", "a\\b.png", "/etc/passwd", "C:\\x", "a\nb", "a\0"]
        {
            let refusal = file_name(told).unwrap_err();
            assert!(refusal.status == 400 && refusal.text.contains("no name of a file"), "{told:?}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        check_size("it", MOST, MOST).unwrap();
        let refusal = check_size("it", MOST + 1, MOST).unwrap_err();
        assert!(refusal.status == 413 && refusal.text.contains("513 MiB"), "{}", refusal.text);
    }
}

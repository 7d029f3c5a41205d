//! The files that a batch works on: those of a folder, or those whose names match a pattern.

use std::path::{Path, PathBuf};

use impasto::image_io::check_format;
use impasto::{Error, Result};

/// Extensions of image files: what ends in one of them and cannot be read is an error when its turn comes.
const IMAGES: [&str; 8] = ["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "gif"];

/// The images of a folder, and the other files in it.
#[derive(Debug, Default)]
pub struct Listing {
    /// In the order of their names.
    pub images: Vec<PathBuf>,
    /// Each with the reason why it is no image.
    pub left_out: Vec<(PathBuf, String)>,
}

impl Listing {
    /// The images of a folder, or those that match a pattern with `*` and `?` in its last part. Hidden files are
    /// passed over.
    ///
    /// # Errors
    /// [`Error::Image`] for a folder that cannot be read, and if there is no image. `wanted` says what the path has to be.
    pub fn of(path: &Path, wanted: &str) -> Result<Self> {
        let (folder, pattern) = if is_pattern(path) {
            let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
            (folder, path.file_name().map(|name| name.to_string_lossy().into_owned()))
        } else {
            (path, None)
        };
        let refuse = |reason: String| Error::Image { path: path.into(), reason };
        let entries = std::fs::read_dir(folder)
            .map_err(|e| refuse(format!("cannot be read as a folder: {}; {wanted}", e.kind())))?;
        let mut paths: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        paths.retain(|path| !name(path).starts_with('.'));
        paths.retain(|path| pattern.as_ref().is_none_or(|pattern| matches(pattern, &name(path))));
        paths.sort();
        let mut listing = Self::default();
        for path in paths {
            match why_not(&path) {
                None => listing.images.push(path),
                Some(reason) => listing.left_out.push((path, reason)),
            }
        }
        match listing.images.is_empty() {
            false => Ok(listing),
            true if pattern.is_some() => Err(refuse("matches no image".into())),
            true => Err(refuse(listing.nothing())),
        }
    }

    /// The reason where there is no image.
    fn nothing(&self) -> String {
        match self.left_out.first() {
            None => "holds no image".into(),
            Some((path, reason)) => {
                format!(
                    "holds no image: {}: {reason}",
                    path.file_name().unwrap_or_default().to_string_lossy()
                )
            }
        }
    }

    /// A line for each file that is left out, for the first of them.
    pub fn report(&self, say: impl Fn(String)) {
        const MOST: usize = 20;
        for (path, reason) in self.left_out.iter().take(MOST) {
            say(format!("left out: {}: {reason}", path.display()));
        }
        if self.left_out.len() > MOST {
            say(format!("left out: {} more files that are no images", self.left_out.len() - MOST));
        }
    }
}

/// True for a path whose last part is a pattern and no file.
pub fn is_pattern(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.contains(['*', '?']) && !path.exists()
}

/// Why an entry of a folder is no image to paint.
fn why_not(path: &Path) -> Option<String> {
    if path.is_dir() {
        return Some("is a folder: images in it need a batch of their own".into());
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if IMAGES.contains(&extension.as_str()) {
        return None;
    }
    match check_format(path) {
        Ok(()) => None,
        Err(Error::Image { reason, .. }) => Some(reason),
        Err(error) => Some(error.to_string()),
    }
}

/// Whether a name matches a pattern in which `*` stands for any characters and `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Whether the pattern so far matches the first i characters.
    let mut so_far = vec![false; name.len() + 1];
    so_far[0] = true;
    for wanted in pattern {
        if wanted == '*' {
            for i in 1..so_far.len() {
                so_far[i] |= so_far[i - 1];
            }
        } else {
            for i in (1..so_far.len()).rev() {
                so_far[i] = so_far[i - 1] && (wanted == '?' || wanted == name[i - 1]);
            }
            so_far[0] = false;
        }
    }
    so_far[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names() {
        for (pattern, name) in
            [("*", ""), ("*.jpg", "a.b.jpg"), ("a?c*", "abc"), ("*a*b*", "xxaxxb"), ("?", "ü"), ("**", "a")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("*.jpg", "a.JPG"), ("a?", "a"), ("?", ""), ("*a", "ab"), ("", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn other_files_are_left_out_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let names = |listing: &Listing| {
            let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
            listing.images.iter().map(name).collect::<Vec<_>>()
        };
        let listing = || Listing::of(folder.path(), "a folder");
        std::fs::write(folder.path().join("notes.txt"), "Dear diary").unwrap();
        assert!(listing().unwrap_err().to_string().contains("holds no image: notes.txt: not an image"));
        std::fs::create_dir(folder.path().join("e.jpg")).unwrap();
        // What has a name of an image, or begins as one.
        for (name, bytes) in [
            ("b.PNG", &b""[..]),
            ("c.jpeg", b""),
            ("a.tif", b""),
            ("d.gif", b""),
            ("f", b"\x89PNG\r\n\x1a\n and so on"),
            (".hidden.png", b""),
            ("g.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ] {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let found = listing().unwrap();
        assert_eq!(names(&found), ["a.tif", "b.PNG", "c.jpeg", "d.gif", "f"]);
        let lines = std::cell::RefCell::new(vec![]);
        found.report(|line| lines.borrow_mut().push(line));
        for (line, words) in lines.take().iter().zip([
            ["e.jpg", "is a folder"],
            ["g.heic", "HEIC cannot be read: convert it with heif-convert"],
            ["notes.txt", "not an image"],
        ]) {
            assert!(words.iter().all(|word| line.contains(word)), "{line}");
        }
        assert_eq!(found.left_out.len(), 3);
        let matching = Listing::of(&folder.path().join("?.*g"), "a folder").unwrap();
        assert_eq!(names(&matching), ["c.jpeg"]);
        let none = Listing::of(&folder.path().join("*.bmp"), "a folder").unwrap_err().to_string();
        assert!(none.contains("*.bmp") && none.contains("matches no image"), "{none}");
    }
}

//! The files of a painting that is resumed, which may have moved since.

use std::path::{Path, PathBuf};

use crate::cli::paths::is_standard;

/// Files that the user names in place of those that are missing.
#[derive(Debug, Default)]
pub struct Moved {
    pub content: Option<PathBuf>,
    /// All style images, or those that are missing.
    pub styles: Vec<PathBuf>,
}

/// Looks for files where the record has them, and beside the checkpoint.
pub struct Finder {
    /// The folder of the checkpoint.
    beside: PathBuf,
    /// The folder that relative paths of earlier versions start from.
    base: PathBuf,
}

impl Finder {
    /// For a checkpoint, and the content image that its record names.
    pub fn new(checkpoint: &Path, content: &Path) -> Self {
        let beside = checkpoint.parent().unwrap_or(Path::new("")).to_path_buf();
        let base = if content.exists() { PathBuf::new() } else { beside.clone() };
        Self { beside, base }
    }

    /// Where an input is now.
    ///
    /// # Errors
    /// Which file is missing, and the beginning of the remedy.
    pub fn find(&self, path: &Path, role: &str) -> Result<PathBuf, String> {
        if is_standard(path) {
            return Err(format!("{role} came from standard input: save it to a file"));
        }
        let moved = path.file_name().map(|name| self.beside.join(name));
        let candidates = [Some(path.to_path_buf()), Some(self.base.join(path)), moved];
        let found = candidates.into_iter().flatten().find(|path| path.exists());
        found.ok_or_else(|| format!("{role} {} is missing: bring it back,", path.display()))
    }

    /// Where the content image is.
    ///
    /// # Errors
    /// That it is missing, with the option that names it.
    pub fn content(&self, path: &Path, moved: &Moved) -> Result<PathBuf, String> {
        match &moved.content {
            Some(content) => Ok(content.clone()),
            None => {
                let found = self.find(path, "the content image");
                found.map_err(|missing| format!("{missing} or name it with --content FILE"))
            }
        }
    }

    /// Where the style images are. Those that the user names are all of them, or those that are missing.
    ///
    /// # Errors
    /// Which is missing, with the option that names it.
    pub fn styles(&self, paths: &[PathBuf], moved: &Moved) -> Result<Vec<PathBuf>, String> {
        if moved.styles.len() == paths.len() {
            return Ok(moved.styles.clone());
        }
        let mut named = moved.styles.iter();
        let found = paths.iter().map(|path| {
            let found = self.find(path, "the style image");
            found.or_else(|missing| {
                let missing = || format!("{missing} or name it with --style FILE");
                named.next().cloned().ok_or_else(missing)
            })
        });
        let found: Vec<_> = found.collect::<Result<_, _>>()?;
        match named.next() {
            Some(extra) => Err(format!("has no style image that {} could replace", extra.display())),
            None => Ok(found),
        }
    }

    /// Where an output goes: to its own folder, or beside the checkpoint where that is gone.
    pub fn output(&self, path: &Path) -> PathBuf {
        let path = if is_standard(path) { path.into() } else { self.base_of(path) };
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        match path.file_name() {
            Some(name) if folder.is_some_and(|folder| !folder.is_dir()) => self.beside.join(name),
            _ => path,
        }
    }

    fn base_of(&self, path: &Path) -> PathBuf {
        if path.is_absolute() { path.into() } else { self.base.join(path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_beside_the_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("new")).unwrap();
        for name in ["new/a.png", "new/s.png", "other.png"] {
            std::fs::write(at(name), "").unwrap();
        }
        let finder = Finder::new(&at("new/ck"), &at("old/a.png"));
        let nothing = Moved::default();
        assert_eq!(finder.content(&at("old/a.png"), &nothing), Ok(at("new/a.png")));
        assert_eq!(finder.output(&at("old/out.png")), at("new/out.png"));
        assert_eq!(finder.output(&at("new/out.png")), at("new/out.png"));
        // As earlier versions wrote them, relative to the folder that they ran in.
        assert_eq!(finder.content(Path::new("a.png"), &nothing), Ok(at("new/a.png")));
        assert_eq!(finder.output(Path::new("out.png")), at("new/out.png"));
        let missing = finder.content(&at("old/b.png"), &nothing).unwrap_err();
        assert!(missing.contains("b.png is missing") && missing.contains("--content"), "{missing}");
        let named = Moved { content: Some(at("other.png")), styles: vec![at("other.png")] };
        assert_eq!(finder.content(&at("old/b.png"), &named), Ok(at("other.png")));
        let styles = [at("old/s.png"), at("old/t.png")];
        assert_eq!(finder.styles(&styles, &named), Ok(vec![at("new/s.png"), at("other.png")]));
        assert!(finder.styles(&styles, &nothing).unwrap_err().contains("t.png is missing"));
        assert!(finder.styles(&[at("old/s.png"), at("new/a.png")], &named).is_err());
    }
}

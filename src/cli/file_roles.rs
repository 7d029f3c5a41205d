//! The files that a command reads and writes, checked before work starts: no output may replace an input or
//! another output.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use impasto::{Error, Result};

use super::paths::{is_standard, shown};

/// Files of a command by what they are for.
#[derive(Debug, Default)]
pub struct FileRoles {
    inputs: Vec<(String, PathBuf)>,
    outputs: Vec<(String, PathBuf)>,
    /// Images that are numbered by evaluations: the picture's path, and the evaluations between two.
    numbered: Vec<(PathBuf, usize)>,
}

/// What makes two paths one file.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Identity {
    StandardStream,
    /// Device and number of a file that exists: the same through every link.
    #[cfg(unix)]
    Inode(u64, u64),
    /// The path without links of a file that may not exist.
    Path(PathBuf),
}

impl FileRoles {
    /// Adds files that are read.
    pub fn reads<'a>(mut self, role: &str, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.inputs.extend(paths.into_iter().map(|path| (role.to_string(), path.clone())));
        self
    }

    /// Adds files that are written.
    pub fn writes<'a>(mut self, role: &str, paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        self.outputs.extend(paths.into_iter().map(|path| (role.to_string(), path.clone())));
        self
    }

    /// Adds the numbered copies of a picture, one after every `every` evaluations.
    pub fn writes_numbered(mut self, output: &Path, every: Option<usize>) -> Self {
        self.numbered.extend(every.map(|every| (output.to_path_buf(), every)));
        self
    }

    /// Refuses a file with two roles, one of which is to be written.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the file and both roles.
    pub fn check(&self) -> Result<()> {
        let mut known: HashMap<Identity, &str> = HashMap::new();
        for (role, path) in &self.inputs {
            let first = known.insert(Identity::of(path), role);
            if is_standard(path) && first.is_some() {
                return Err(Error::Usage("standard input (-) can be one image only: give files".into()));
            }
        }
        // Standard input is not what an output of that name replaces.
        known.remove(&Identity::StandardStream);
        for (role, path) in &self.outputs {
            if let Some(other) = known.insert(Identity::of(path), role) {
                let path = shown(path);
                return Err(Error::Usage(format!(
                    "{role} {path} is also {other}, which it would replace: choose another path"
                )));
            }
        }
        self.numbered.iter().try_for_each(|(output, every)| self.check_numbered(output, *every, &known))
    }

    /// The numbered copies of a picture must be none of the known files.
    fn check_numbered(&self, output: &Path, every: usize, known: &HashMap<Identity, &str>) -> Result<()> {
        if is_standard(output) {
            return Err(Error::Usage(
                "--save-every needs a file name to number: give --output a file".into(),
            ));
        }
        let folder = output.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let present = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        // Some of the outputs do not exist yet.
        let outputs = self.outputs.iter().map(|(_, path)| path.clone());
        for path in present.chain(outputs) {
            let number = path.file_name().and_then(|name| number_of(output, Path::new(name)));
            let Some(number) = number.filter(|number| number.is_multiple_of(every)) else { continue };
            if let Some(other) = known.get(&Identity::of(&numbered(output, number))) {
                return Err(Error::Usage(format!(
                    "--save-every would replace {}, which is {other}: choose another --output",
                    numbered(output, number).display()
                )));
            }
        }
        Ok(())
    }
}

impl Identity {
    fn of(path: &Path) -> Self {
        if is_standard(path) {
            return Self::StandardStream;
        }
        #[cfg(unix)]
        if let Ok(found) = std::fs::metadata(path) {
            use std::os::unix::fs::MetadataExt;
            return Self::Inode(found.dev(), found.ino());
        }
        let canonical = path.canonicalize().unwrap_or_else(|_| {
            let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
            let folder = folder.canonicalize().unwrap_or_else(|_| folder.into());
            folder.join(path.file_name().unwrap_or_default())
        });
        Self::Path(if cfg!(any(windows, target_os = "macos")) {
            // Names of files do not differ by the case of their letters there.
            canonical.to_string_lossy().to_lowercase().into()
        } else {
            canonical
        })
    }
}

/// `picture.png` after 50 evaluations: `picture-00050.png`.
pub fn numbered(path: &Path, evaluations: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("-{evaluations:05}."));
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}

/// The number for which [`numbered`] gives a path this file name.
fn number_of(path: &Path, name: &Path) -> Option<usize> {
    let stem = name.file_stem()?.to_str()?;
    let digits = stem.strip_prefix(path.file_stem()?.to_str()?)?.strip_prefix('-')?;
    let number = digits.parse().ok()?;
    (numbered(path, number).file_name()? == name.as_os_str()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with `photo.png` and `style.png`.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["photo.png", "style.png", "out-00050.png"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        folder
    }

    #[test]
    fn an_output_is_no_input_and_no_other_output() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        let roles = |output: &str, log: &str| {
            let roles = FileRoles::default().reads("the content image", &[at("photo.png")]);
            roles.writes("--output", &[at(output)]).writes("--log", &[at(log)]).check()
        };
        assert!(roles("out.png", "log.jsonl").is_ok());
        assert!(roles("style.png", "log.jsonl").is_ok(), "a file that is no input may be replaced");
        let words = |result: Result<()>| result.unwrap_err().to_string();
        assert!(words(roles("photo.png", "log")).contains("photo.png is also the content image"));
        assert!(words(roles("out.png", "out.png")).contains("is also --output"));
        assert!(words(roles("./out.png", "out.png")).contains("is also --output"));
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_to_the_same_file() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink(at("photo.png"), at("link.png")).unwrap();
        std::os::unix::fs::symlink(folder.path(), at("loop")).unwrap();
        std::fs::hard_link(at("photo.png"), at("hard.png")).unwrap();
        for output in ["link.png", "hard.png", "loop/photo.png", "loop/loop/link.png"] {
            let roles = FileRoles::default().reads("the content image", &[at("photo.png")]);
            assert!(roles.writes("--output", &[at(output)]).check().is_err(), "{output}");
        }
        let roles = FileRoles::default().writes("--output", &[at("new.png")]);
        assert!(roles.writes("--log", &[at("loop/new.png")]).check().is_err());
    }

    #[test]
    fn numbered_copies_are_outputs() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        let check = |every: usize, log: &str| {
            let roles = FileRoles::default().reads("the content image", &[at("out-00050.png")]);
            let roles = roles.writes("--output", &[at("out.png")]).writes("--log", &[at(log)]);
            roles.writes_numbered(&at("out.png"), Some(every)).check()
        };
        assert!(check(25, "log").unwrap_err().to_string().contains("--save-every would replace"));
        assert!(check(20, "log").is_ok() && check(20, "out-00041.png").is_ok());
        assert!(check(20, "out-00040.png").is_err());
        assert_eq!(number_of(&at("a.png"), Path::new("a-100000.png")), Some(100_000));
        for name in ["a-050.png", "a-00050.jpg", "a.png", "b-00050.png", "a--0050.png"] {
            assert_eq!(number_of(&at("a.png"), Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn standard_input_is_one_image() {
        let dash = || PathBuf::from("-");
        let one = FileRoles::default().reads("the content image", &[dash()]);
        assert!(one.writes("--output", &[dash()]).check().is_ok());
        assert!(FileRoles::default().reads("a style image", &[dash(), dash()]).check().is_err());
        let two = FileRoles::default().writes("--output", &[dash()]).writes("--gram", &[dash()]);
        assert!(two.check().is_err());
    }
}

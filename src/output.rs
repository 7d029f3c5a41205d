//! Output files, replaced atomically: a failed write leaves an existing file unchanged.

use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A file to be made or replaced.
#[derive(Debug)]
pub struct OutputFile {
    /// The path as the user gave it, for messages.
    named: PathBuf,
    /// The file to make or replace: `named`, or what it links to.
    file: PathBuf,
    /// The folder of `file`.
    folder: PathBuf,
    /// The file that is there already.
    #[cfg_attr(target_arch = "wasm32", allow(dead_code))]
    replaced: Option<Metadata>,
}

impl OutputFile {
    /// Checks `path` and its folder, and changes neither.
    ///
    /// # Errors
    /// [`Error::Output`] naming the path: a folder or another thing that is not a regular file, a
    /// read-only file, a folder that does not exist.
    pub fn of(path: &Path) -> Result<Self> {
        let refuse = |reason: String| Err(Error::output(path, reason));
        let file = if path.is_symlink() {
            match fs::canonicalize(path) {
                Ok(file) => file,
                Err(e) => return refuse(format!("the link leads nowhere ({})", e.kind())),
            }
        } else {
            path.to_path_buf()
        };
        let folder = match file.parent() {
            Some(parent) if parent != Path::new("") => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        if !folder.is_dir() {
            let shown = folder.display();
            return refuse(if folder.exists() {
                format!("{shown} is not a folder: choose another path")
            } else {
                format!("the folder {shown} does not exist or cannot be entered: create it first")
            });
        }
        let replaced = match fs::metadata(&file) {
            Ok(found) => Some(found),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return refuse(format!("{}: choose another path", e.kind())),
        };
        match &replaced {
            Some(found) if found.is_dir() => refuse("it is a folder: add a file name".into()),
            Some(found) if !found.is_file() => refuse("it is not a regular file: choose another path".into()),
            Some(found) if found.permissions().readonly() => {
                refuse("the file is read-only: make it writable or choose another path".into())
            }
            _ => Ok(Self { named: path.to_path_buf(), file, folder, replaced }),
        }
    }

    /// Checks that a file can be created there, and leaves nothing behind.
    ///
    /// # Errors
    /// [`Error::Output`] naming the path.
    pub fn check_writable(&self) -> Result<()> {
        // Where the file system supports it, this creates a file without a name, so that not even the folder's
        // modification time changes.
        tempfile::tempfile_in(&self.folder).map_err(|e| self.unwritable(&e))?;
        Ok(())
    }

    /// Writes a new file under a temporary name in the same folder and renames it when complete.
    ///
    /// # Errors
    /// [`Error::Output`] naming the path, for a failure of the file system or of `write`.
    pub fn replace(&self, write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>) -> Result<()> {
        let run = || -> io::Result<()> {
            let mut file = self.new_file()?;
            let mut writer = BufWriter::new(file.as_file_mut());
            write(&mut writer)?;
            writer.flush()?;
            drop(writer);
            // The rename must not reach the disk before the content does.
            file.as_file().sync_all()?;
            file.persist(&self.file).map_err(|e| e.error)?;
            Ok(())
        };
        run().map_err(|e| self.unwritable(&e))
    }

    /// A new file under a temporary name next to the target, with the permissions of the target.
    /// It is deleted when dropped.
    fn new_file(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".impasto-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The process's umask applies, as for any new file.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(&self.folder)?;
        #[cfg(unix)]
        if let Some(replaced) = &self.replaced {
            file.as_file().set_permissions(replaced.permissions())?;
        }
        Ok(file)
    }

    /// The error for a failure of the file system.
    fn unwritable(&self, error: &io::Error) -> Error {
        let folder = self.folder.display();
        if error.kind() == io::ErrorKind::Other {
            return Error::output(&self.named, error.to_string());
        }
        // The kind alone: tempfile's own message names a file that the user does not know.
        Error::output(&self.named, format!("{} in the folder {folder}", error.kind()))
    }
}

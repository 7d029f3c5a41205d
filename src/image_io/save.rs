//! Writing picture files.
use std::fs::{self, File, Metadata};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError, ImageResult};

use super::Image;
use crate::error::{Error, Result};

/// 95 of 100: artefacts stay below what painted texture hides.
const JPEG_QUALITY: u8 = 95;

/// A format that can be written.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Png,
    Jpeg,
    WebP,
    Tiff,
}

impl Format {
    /// The format that the extension of `path` stands for.
    fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        match extension.to_lowercase().as_str() {
            "png" => Ok(Self::Png),
            "jpg" | "jpeg" => Ok(Self::Jpeg),
            "webp" => Ok(Self::WebP),
            "tif" | "tiff" => Ok(Self::Tiff),
            other => {
                let found = if other.is_empty() {
                    "the name has no extension".into()
                } else {
                    format!("unknown extension '.{extension}'")
                };
                Err(Error::output(path, format!("{found}: use .png, .jpg, .jpeg, .webp, .tif or .tiff")))
            }
        }
    }

    /// The longest side, in pixels, that the format can hold.
    fn longest_side(self) -> u32 {
        match self {
            Self::Jpeg => 65_535,
            // 16384 could be written too, but decoders (libwebp among them) stop here.
            Self::WebP => 16_383,
            Self::Png | Self::Tiff => u32::MAX,
        }
    }
}

/// Finds out before long work whether a picture can later be saved as `path`. Leaves and changes
/// nothing.
///
/// # Errors
/// [`Error::Output`] naming the path: unknown extension (with those accepted), a folder or another
/// thing that is not a regular file, a read-only file, a folder that does not exist or in which no
/// file can be made.
pub fn check_output(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    Format::of(path)?;
    let target = Target::of(path)?;
    // Where the file system can, this makes a file without a name, so not even the folder's time
    // of modification changes.
    tempfile::tempfile_in(&target.folder).map_err(|e| target.unwritable(&e))?;
    Ok(())
}

/// Finds out before long work whether the format of `path` can hold `width` x `height` pixels.
///
/// # Errors
/// [`Error::Output`] naming the path: a side beyond what JPEG (65535) or WebP (16383) can hold, or
/// an unknown extension.
pub fn check_output_fits(path: impl AsRef<Path>, width: u32, height: u32) -> Result<()> {
    let path = path.as_ref();
    let longest = Format::of(path)?.longest_side();
    if width.max(height) > longest {
        return Err(Error::output(
            path,
            format!(
                "{width} x {height} pixels do not fit the format, which holds at most {longest} a \
                 side: use .png or .tif"
            ),
        ));
    }
    Ok(())
}

/// See [`Image::save`].
pub(super) fn save(image: &Image, path: &Path) -> Result<()> {
    let format = Format::of(path)?;
    check_output_fits(path, image.width, image.height)?;
    let target = Target::of(path)?;
    let write = || -> ImageResult<()> {
        let mut file = new_file(&target)?;
        let mut writer = BufWriter::new(file.as_file_mut());
        encode(image, format, &mut writer)?;
        writer.flush()?;
        drop(writer);
        // The rename must not reach the disk before the content does.
        file.as_file().sync_all()?;
        file.persist(&target.file).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|error| match error {
        ImageError::IoError(e) => target.unwritable(&e),
        e => Error::output(path, format!("{e}. Try another format")),
    })
}

/// A new file under a passing name next to the target, with the permissions the target shall have.
/// It is deleted when dropped.
fn new_file(target: &Target) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".impasto-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask takes its part of these, as for any new file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(&target.folder)?;
    #[cfg(unix)]
    if let Some(replaced) = &target.replaced {
        file.as_file().set_permissions(replaced.permissions())?;
    }
    Ok(file)
}

/// Writes the picture as 8-bit RGB.
fn encode(image: &Image, format: Format, to: &mut BufWriter<&mut File>) -> ImageResult<()> {
    let bytes: Vec<u8> = image.rgb.iter().map(|v| v.round() as u8).collect();
    let (width, height, colour) = (image.width, image.height, ExtendedColorType::Rgb8);
    match format {
        Format::Png => PngEncoder::new_with_quality(to, CompressionType::Default, FilterType::Adaptive)
            .write_image(&bytes, width, height, colour),
        Format::Jpeg => {
            JpegEncoder::new_with_quality(to, JPEG_QUALITY).write_image(&bytes, width, height, colour)
        }
        Format::WebP => WebPEncoder::new_lossless(to).write_image(&bytes, width, height, colour),
        Format::Tiff => TiffEncoder::new(to).write_image(&bytes, width, height, colour),
    }
}

/// Where a picture goes.
struct Target {
    /// The path as the user gave it, for messages.
    named: PathBuf,
    /// The file to make or replace: `named`, or what it links to.
    file: PathBuf,
    /// The folder of `file`.
    folder: PathBuf,
    /// The file that is there already.
    replaced: Option<Metadata>,
}

impl Target {
    /// Looks at `path` and its folder without touching either.
    fn of(path: &Path) -> Result<Self> {
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

    /// The error for a failure of the file system.
    fn unwritable(&self, error: &io::Error) -> Error {
        let folder = self.folder.display();
        // The kind alone: tempfile's own message names a file the user never heard of.
        Error::output(&self.named, format!("{} in the folder {folder}", error.kind()))
    }
}

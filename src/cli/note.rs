//! The note in a PNG picture: how it was made.

use std::path::Path;

use impasto::image_io::Image;
use impasto::{Error, Result};
use serde::{Deserialize, Serialize};

use super::options::PaintingOptions;
use super::settings::Settings;

/// How a picture was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// Version of the program.
    pub version: String,
    /// Names of the content image and the style images, without their folders.
    pub images: Vec<String>,
    /// The settings, defaults included: another version may have others.
    pub settings: Settings,
}

impl Note {
    /// The note of a picture made from these files with these options, as JSON.
    pub fn json<'a>(images: impl Iterator<Item = &'a Path>, options: &PaintingOptions) -> Result<String> {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let note = Self {
            version: env!("CARGO_PKG_VERSION").into(),
            images: images.map(name).collect(),
            settings: Settings::of(options)?,
        };
        serde_json::to_string(&note)
            .map_err(|e| Error::Usage(format!("the settings cannot be written as JSON: {e}")))
    }

    /// The note of a PNG file.
    ///
    /// # Errors
    /// [`Error::Image`] naming the file: it cannot be read, or has no note that can be understood.
    pub fn of(path: &Path) -> Result<Self> {
        serde_json::from_str(&Image::note(path)?).map_err(|e| Error::Image {
            path: path.into(),
            reason: format!(
                "has a note that cannot be understood ({e}): use another picture of 'impasto paint'"
            ),
        })
    }
}

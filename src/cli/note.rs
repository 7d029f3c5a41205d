//! The note in a PNG picture: how it was made.

use std::path::Path;

use impasto::image_io::Image;
use impasto::ops::variants::ComputePrecision;
use impasto::vgg19::Kernels;
use impasto::{Error, Result};
use serde::{Deserialize, Serialize};

use super::computation::Computation;
use super::options::{CommonOptions, PaintingOptions};
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
    /// The kernels that ran, as `--kernel` takes them: others give another picture. Earlier versions did not say.
    #[serde(default)]
    pub kernels: Vec<String>,
    /// The precision that it was painted in. Earlier versions had f32 only, or did not say.
    #[serde(default)]
    pub precision: ComputePrecision,
}

impl Note {
    /// The note of a picture made from these files with these options, as JSON.
    pub fn json<'a>(
        images: impl Iterator<Item = &'a Path>,
        options: &PaintingOptions,
        Computation { precision, kernels }: &Computation,
    ) -> Result<String> {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let note = Self {
            version: env!("CARGO_PKG_VERSION").into(),
            images: images.map(name).collect(),
            settings: Settings::of(options)?,
            kernels: written(kernels),
            precision: *precision,
        };
        note.to_json()
    }

    /// The note of a picture that is continued with these kernels: as it was, but for kernels that have changed.
    pub fn continued(json: &str, kernels: &Kernels) -> Result<String> {
        match serde_json::from_str::<Self>(json) {
            Ok(note) if note.kernels != written(kernels) => {
                Self { kernels: written(kernels), ..note }.to_json()
            }
            _ => Ok(json.into()),
        }
    }

    fn to_json(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|e| Error::Usage(format!("the settings cannot be written as JSON: {e}")))
    }

    /// Options that run the same kernels again. Those that the user typed stay; kernels chosen for another precision
    /// than the typed one are of no use.
    pub fn same_kernels(&self, options: &mut CommonOptions, typed_precision: bool) {
        let kernels = &mut options.kernels;
        if !typed_precision {
            kernels.precision = self.precision.into();
        }
        if kernels.precision == self.precision.into() {
            kernels.recorded.clone_from(&self.kernels);
        }
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

fn written(kernels: &Kernels) -> Vec<String> {
    kernels.overrides().iter().map(ToString::to_string).collect()
}

//! A painting of the studio: what its page shows, and what is kept in a file.

use std::fs;
use std::path::Path;

use impasto::output::OutputFile;
use impasto::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::options::PaintingOptions;
use crate::cli::page_settings::PageSettings;
use crate::cli::settings::Settings;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is in the queue, or was in progress when the program ended.
    Waiting,
    Done,
    /// By the user, with its picture so far.
    Stopped,
    Failed,
}

/// A painting that waits or is finished. Serialises to what the page shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    pub id: String,
    /// The content image's, without its ending.
    pub name: String,
    /// Milliseconds since 1970.
    pub added: u64,
    pub state: State,
    /// Those that the page gave, or all those of a finished picture.
    pub settings: Value,
    /// Names of the content image and the style images.
    pub images: Vec<String>,
    #[serde(flatten)]
    pub result: Option<Outcome>,
    /// Of a failed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The picture of a finished painting.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    pub width: u32,
    pub height: u32,
    pub evaluations: usize,
    pub seconds: f64,
    /// Address of a small picture.
    pub preview: String,
    /// Its name in the folder.
    pub picture: String,
}

/// A painting as its file holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    #[serde(flatten)]
    pub entry: Entry,
    /// The settings as the page gave them.
    pub given: Value,
    /// Those of an earlier picture that lie below them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<Settings>,
}

impl Job {
    /// Name of the file in the painting's own folder.
    const FILE: &str = "painting.json";

    /// The options that the page asked for.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the setting that cannot be used.
    pub fn options(&self) -> Result<PaintingOptions> {
        let given: PageSettings = serde_json::from_value(self.given.clone()).map_err(|e| {
            Error::Usage(format!("the page's settings cannot be read ({e}): reload the page"))
        })?;
        given.options(self.like.clone())
    }

    /// Writes the file.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(Self::FILE);
        let json = serde_json::to_vec_pretty(self).map_err(|e| Error::Output {
            path: path.clone(),
            reason: format!("the settings cannot be written as JSON: {e}"),
        })?;
        OutputFile::of(&path)?.replace(|writer| std::io::Write::write_all(writer, &json))
    }

    /// Reads the file, if it is one of a studio.
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(Self::FILE)).ok()?).ok()
    }
}

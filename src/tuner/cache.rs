//! The cache of choices: one file a device, in the user's cache folder.

use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::problem::Key;
use crate::error::{Error, Result};
use crate::gpu::{AdapterSummary, expand_imports};
use crate::ops::OPERATIONS;
use crate::ops::variants::{Pass, PassVariants, Variant};
use crate::output::OutputFile;

/// One device's file. A change of the driver or of the kernels makes it worthless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    adapter: String,
    driver: String,
    kernels: String,
    /// The variants for each problem.
    choices: Vec<Timed>,
    /// Variants that compute wrongly on the device, or not at all.
    pub(super) refused: Vec<Refusal>,
}

/// The variants that were chosen for a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Timed {
    #[serde(flatten)]
    key: Key,
    forward: String,
    backward: String,
}

/// A variant that computes wrongly on a device, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The operation's name.
    pub op: String,
    /// The variant's name.
    pub variant: String,
    /// Whether it failed on tensors stored in f16; else in f32.
    pub f16: bool,
    /// What is wrong, in words to follow "is".
    pub fault: String,
}

impl Refusal {
    pub(super) fn new(variant: &Variant, f16: bool, fault: String) -> Self {
        Self { op: variant.op().name().into(), variant: variant.name.into(), f16, fault }
    }

    /// True if it refuses this variant on tensors stored in this precision.
    pub fn is_of(&self, op: &str, variant: &str, f16: bool) -> bool {
        (self.op.as_str(), self.variant.as_str(), self.f16) == (op, variant, f16)
    }
}

/// Operation, variant and precision.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.op, self.variant, if self.f16 { ", f16" } else { "" })
    }
}

impl Timed {
    pub(super) fn new(key: Key, variants: PassVariants) -> Self {
        let [forward, backward] = Pass::ALL.map(|pass| variants.of(pass).name.to_string());
        Self { key, forward, backward }
    }
}

impl Record {
    /// An empty one.
    pub(super) fn new(adapter: &AdapterSummary) -> Self {
        Self {
            adapter: adapter.to_string(),
            driver: adapter.driver.clone(),
            kernels: fingerprint().into(),
            choices: vec![],
            refused: vec![],
        }
    }

    /// The variants for a problem; `None` if it was not timed, or for variants that no longer exist.
    pub(super) fn variants(&self, key: &Key) -> Option<PassVariants> {
        let timed = self.choices.iter().find(|timed| timed.key == *key)?;
        let variant = |name: &str| key.op()?.variant(name).ok();
        Some(PassVariants { forward: variant(&timed.forward)?, backward: variant(&timed.backward)? })
    }

    /// Adds the choice for a problem, in place of an older one.
    pub(super) fn insert(&mut self, timed: Timed) {
        self.choices.retain(|known| known.key != timed.key);
        self.choices.push(timed);
    }

    /// Drops all that was found for one storage precision.
    pub(super) fn forget(&mut self, f16: bool) {
        self.choices.retain(|timed| timed.key.f16 != f16);
        self.refused.retain(|refusal| refusal.f16 != f16);
    }

    fn is_of(&self, other: &Self) -> bool {
        (&self.adapter, &self.driver, &self.kernels) == (&other.adapter, &other.driver, &other.kernels)
    }
}

/// The program's version, and a number that changes with the text of any kernel and of what kernels import.
pub fn fingerprint() -> &'static str {
    static FINGERPRINT: OnceLock<String> = OnceLock::new();
    FINGERPRINT.get_or_init(|| {
        let mut hasher = DefaultHasher::new();
        for shader in OPERATIONS.iter().flat_map(|operation| (operation.shaders)()) {
            // With what it imports; a source that cannot be expanded compiles nowhere.
            expand_imports(shader.source).unwrap_or(shader.source.into()).hash(&mut hasher);
        }
        format!("{} {:016x}", env!("CARGO_PKG_VERSION"), hasher.finish())
    })
}

/// The user's cache folder: `IMPASTO_CACHE_DIR`, or the platform's own with `impasto` below it. `None`
/// where there is none, and for an empty variable: then nothing is kept.
pub fn default_folder() -> Option<PathBuf> {
    match std::env::var_os("IMPASTO_CACHE_DIR") {
        Some(folder) if folder.is_empty() => None,
        Some(folder) => Some(folder.into()),
        None => system_folder(|name| std::env::var_os(name).map(PathBuf::from), std::env::home_dir())
            .map(|folder| folder.join("impasto")),
    }
}

/// The platform's folder for caches: that of the XDG base directory specification, `Library/Caches` on macOS, the
/// local application data on Windows. `variable` looks into the environment; paths that are not absolute do not count.
fn system_folder(variable: impl Fn(&str) -> Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let home = home.filter(absolute);
    if cfg!(target_os = "macos") {
        return Some(home?.join("Library/Caches"));
    }
    let (name, below_home) =
        if cfg!(windows) { ("LOCALAPPDATA", "AppData/Local") } else { ("XDG_CACHE_HOME", ".cache") };
    variable(name).filter(absolute).or_else(|| Some(home?.join(below_home)))
}

/// The file of a device.
pub(super) fn file(folder: &Path, adapter: &AdapterSummary) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = format!("{} {:?}", adapter.name, adapter.backend).chars().map(plain).collect();
    folder.join(format!("kernels-{name}.json"))
}

/// What a file holds.
pub(super) enum Loaded {
    /// Nothing yet, or a record of another driver or other kernels.
    Nothing,
    /// A record of this device as it is.
    Found(Record),
    /// No record at all.
    Damaged,
}

/// Reads a device's file.
pub(super) fn load(path: &Path, adapter: &AdapterSummary) -> Loaded {
    let Ok(bytes) = fs::read(path) else { return Loaded::Nothing };
    match serde_json::from_slice::<Record>(&bytes) {
        Ok(record) if record.is_of(&Record::new(adapter)) => Loaded::Found(record),
        Ok(_) => Loaded::Nothing,
        Err(_) => Loaded::Damaged,
    }
}

/// The right to time kernels and to replace a device's file, until it is dropped: waits while another run
/// has it. `None` where the file system has no locks.
pub(super) fn lock(path: &Path) -> Option<fs::File> {
    fs::create_dir_all(path.parent()?).ok()?;
    let file = fs::File::create(path.with_extension("lock")).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// Replaces a device's file, so that another run sees the old one or the new one and nothing between.
pub(super) fn save(path: &Path, record: &Record) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| Error::output(folder, e.kind().to_string()))?;
    }
    OutputFile::of(path)?.replace(|writer| Ok(serde_json::to_writer_pretty(writer, record)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn the_cache_is_where_the_system_has_it() {
        let folder = |xdg: Option<&str>, home: Option<&str>| {
            let found = system_folder(
                |name| (name == "XDG_CACHE_HOME").then_some(xdg?.into()),
                home.map(PathBuf::from),
            );
            found.map(|folder| folder.display().to_string())
        };
        assert_eq!(folder(Some("/c"), Some("/home/a")).as_deref(), Some("/c"));
        assert_eq!(folder(None, Some("/home/a")).as_deref(), Some("/home/a/.cache"));
        assert_eq!(folder(Some("relative"), Some("/home/a")).as_deref(), Some("/home/a/.cache"));
        assert_eq!(folder(Some(""), None), None);
        assert_eq!(folder(None, Some("home")), None);
    }
}

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
use crate::ops::variants::{ComputePrecision, Pass, PassVariants, TunedOp, Variant};
use crate::output::OutputFile;

/// One device's file, for all precisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(flatten)]
    origin: Origin,
    /// The variants for each problem and precision.
    choices: Vec<Timed>,
    /// Variants that agree with the naive one on the device.
    agreed: Vec<Agreement>,
    /// Variants that compute wrongly on the device, or not at all.
    pub(super) refused: Vec<Refusal>,
}

/// What a file was found out with. A change of any of it makes the file worthless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    /// [`FORMAT`]; the first one was not written down.
    #[serde(default)]
    format: u32,
    adapter: String,
    driver: String,
    kernels: String,
}

/// Counts changes of what a record holds or means.
const FORMAT: u32 = 2;

/// What was chosen for a problem in one precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Timed {
    #[serde(flatten)]
    key: Key,
    precision: ComputePrecision,
    forward: Chosen,
    backward: Chosen,
}

/// The variant that was chosen for a pass, and the seconds for each position of its fastest and slowest timed run: zeros
/// where there was nothing to choose from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Chosen {
    pub(super) variant: String,
    pub(super) fastest: f64,
    pub(super) slowest: f64,
}

/// A variant that agrees with the naive one on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Agreement {
    op: String,
    variant: String,
    /// Whether it was tried on tensors stored in f16; else in f32.
    f16: bool,
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
    /// The variant; `None` if it no longer exists.
    pub fn variant(&self) -> Option<&'static Variant> {
        let op = TunedOp::ALL.into_iter().find(|op| op.name() == self.op)?;
        op.variant(&self.variant).ok()
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
    pub(super) fn new(key: Key, precision: ComputePrecision, [forward, backward]: [Chosen; 2]) -> Self {
        Self { key, precision, forward, backward }
    }

    /// What was chosen for a pass.
    pub(super) fn of(&self, pass: Pass) -> &Chosen {
        match pass {
            Pass::Forward => &self.forward,
            Pass::Backward => &self.backward,
        }
    }

    /// The variants; `None` if one no longer exists.
    pub(super) fn variants(&self) -> Option<PassVariants> {
        let variant = |chosen: &Chosen| self.key.op()?.variant(&chosen.variant).ok();
        Some(PassVariants { forward: variant(&self.forward)?, backward: variant(&self.backward)? })
    }
}

impl Record {
    /// An empty one.
    pub(super) fn new(adapter: &AdapterSummary) -> Self {
        Self { origin: Origin::of(adapter), choices: vec![], agreed: vec![], refused: vec![] }
    }

    /// What was chosen for a problem in one precision; `None` if it was not timed, or for variants that no longer
    /// exist, that were refused since, or that this precision does not allow.
    pub(super) fn timed(&self, key: &Key, precision: ComputePrecision) -> Option<&Timed> {
        let timed = self.choices.iter().find(|timed| timed.key == *key && timed.precision == precision)?;
        let variants = timed.variants()?;
        let stands = |pass| {
            let variant = variants.of(pass);
            precision.allows(variant)
                && !self.refused.iter().any(|refusal| refusal.is_of(&key.op, variant.name, key.f16))
        };
        Pass::ALL.into_iter().all(stands).then_some(timed)
    }

    /// Adds the choice for a problem, in place of an older one.
    pub(super) fn insert(&mut self, timed: Timed) {
        self.choices.retain(|known| (&known.key, known.precision) != (&timed.key, timed.precision));
        self.choices.push(timed);
    }

    /// Drops the choices for a problem, in every precision.
    pub(super) fn forget(&mut self, key: &Key) {
        self.choices.retain(|timed| timed.key != *key);
    }

    /// Drops what was found out about the variants' answers with tensors stored in f16, or in f32.
    pub(super) fn forget_answers(&mut self, f16: bool) {
        self.agreed.retain(|agreement| agreement.f16 != f16);
        self.refused.retain(|refusal| refusal.f16 != f16);
    }

    /// Whether a variant agreed with the naive one; `None` if it was not tried.
    pub(super) fn agrees(&self, variant: &Variant, f16: bool) -> Option<bool> {
        let (op, name) = (variant.op().name(), variant.name);
        let refused = self.refused.iter().any(|refusal| refusal.is_of(op, name, f16));
        let agreed =
            self.agreed.iter().any(|known| (&*known.op, &*known.variant, known.f16) == (op, name, f16));
        (refused || agreed).then_some(agreed && !refused)
    }

    /// Adds how a trial of a variant ended.
    pub(super) fn insert_answer(&mut self, variant: &Variant, f16: bool, fault: Option<String>) {
        let (op, name) = (variant.op().name().to_string(), variant.name.to_string());
        match fault {
            None => self.agreed.push(Agreement { op, variant: name, f16 }),
            Some(fault) => self.refused.push(Refusal { op, variant: name, f16, fault }),
        }
    }
}

impl Origin {
    /// Of what is found out now.
    fn of(adapter: &AdapterSummary) -> Self {
        Self {
            format: FORMAT,
            adapter: adapter.to_string(),
            driver: adapter.driver.clone(),
            kernels: fingerprint().into(),
        }
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
    fs::read(path).map_or(Loaded::Nothing, |bytes| parse(&bytes, adapter))
}

/// Reads the contents of a device's file.
pub(super) fn parse(bytes: &[u8], adapter: &AdapterSummary) -> Loaded {
    // What an earlier version wrote may lack fields of a record.
    match serde_json::from_slice::<Origin>(bytes) {
        Ok(origin) if origin != Origin::of(adapter) => Loaded::Nothing,
        Ok(_) => serde_json::from_slice(bytes).map_or(Loaded::Damaged, Loaded::Found),
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

/// The contents of a device's file.
pub(super) fn written(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).unwrap_or_default()
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

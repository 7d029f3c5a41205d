//! The one error type of the library: each message names the thing that is wrong and the remedy.
//!
//! Messages name settings of the library by their plain names. A program with names of its own for them, such as
//! options of a command line, gets its messages from [`Error::message`].

mod setting;

pub use setting::{Remedy, Setting};

use std::fmt;
use std::path::{Path, PathBuf};

use setting::advice;

/// What every fallible function of this library returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, each with one line fit to show a person.
#[derive(Debug, Clone)]
pub enum Error {
    /// An input that can never work, whatever the files and the device are (exit code 2).
    Usage(String),

    /// A setting that can never work, whatever the files and the device are (exit code 2).
    Setting {
        /// The setting at fault: the message begins with it.
        setting: Setting,
        /// What is wrong with it, to be read after its name.
        problem: String,
        /// Changes that may help; may be empty.
        remedies: Vec<Remedy>,
    },

    /// An image that cannot be read, or that cannot be worked on.
    Image {
        /// The file as the user named it.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// A weights file with a missing, misshapen or unreadable tensor.
    Weights {
        /// The file, or `built-in weights`.
        path: PathBuf,
        /// The tensor and what is wrong with it.
        reason: String,
        /// Changes that may help; may be empty.
        remedies: Vec<Remedy>,
    },

    /// A checkpoint that cannot be resumed.
    Checkpoint {
        /// The file as the user named it.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// A log that cannot be read.
    Log {
        /// The file as the user named it.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// A file that cannot be written.
    Output {
        /// The file as the user named it.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },

    /// A saved profile that cannot be read.
    Profile {
        /// The file as the user named it.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// A page cannot be served.
    Page {
        /// What failed.
        reason: String,
    },

    /// Kernel variants with wrong results, or that fail to run.
    Kernels {
        /// The adapter.
        device: String,
        /// Operation and variant of each.
        kernels: String,
    },

    /// Parts of the self-test that are wrong or fail.
    Selftest {
        /// The adapter.
        device: String,
        /// Name of each.
        parts: String,
    },

    /// No adapter at all, or none that matches what was asked for.
    Adapter {
        /// What is wrong, with the adapters there are.
        problem: String,
        /// Changes that may help; may be empty.
        remedies: Vec<Remedy>,
    },

    /// The work does not fit the adapter's limits.
    TooLarge {
        /// What does not fit, and the limit.
        problem: String,
        /// Changes that may help; may be empty.
        remedies: Vec<Remedy>,
    },

    /// The device has no memory left.
    OutOfMemory {
        /// The allocation that failed.
        what: String,
    },

    /// The device is gone: reset by the driver, unplugged, or stopped.
    DeviceLost {
        /// The driver's own words.
        message: String,
    },

    /// No evaluation had a finite loss, so there is no image.
    NoFiniteLoss,

    /// A fault of the program itself.
    Internal {
        /// What failed, and where in the code.
        message: String,
    },

    /// The device refused something or failed while working.
    Gpu {
        /// The kernel, buffer or step at fault.
        what: String,
        /// The driver's or wgpu's own words.
        message: String,
    },
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(&|setting| setting.to_string()))
    }
}

impl Error {
    /// The message in one line, with each setting named as `spell` writes it: a command line gives its option.
    pub fn message(&self, spell: &dyn Fn(Setting) -> String) -> String {
        match self {
            Self::Usage(problem) => problem.clone(),
            Self::Setting { setting, problem, remedies } => {
                format!("{} {problem}{}", spell(*setting), advice(remedies, spell))
            }
            Self::Weights { path, reason, remedies } => {
                format!("{}: {reason}{}", path.display(), advice(remedies, spell))
            }
            Self::Image { path, reason }
            | Self::Checkpoint { path, reason }
            | Self::Log { path, reason }
            | Self::Profile { path, reason } => format!("{}: {reason}", path.display()),
            Self::Output { path, reason } => format!("{}: cannot write: {reason}", path.display()),
            Self::Adapter { problem, remedies } | Self::TooLarge { problem, remedies } => {
                format!("{problem}{}", advice(remedies, spell))
            }
            Self::Page { reason } => format!("the page cannot be served: {reason}"),
            Self::Kernels { device, kernels } => {
                let kernel = spell(Setting::Kernel);
                format!("on {device} these kernels are wrong or fail: {kernels}; {kernel} chooses others")
            }
            Self::Selftest { device, parts } => {
                format!(
                    "{device} does not compute what it should: {parts}. Update its driver, or use another device"
                )
            }
            Self::OutOfMemory { what } => {
                let [size, history, memory] = [Setting::Size, Setting::History, Setting::Memory].map(spell);
                format!(
                    "{what}: the device is out of memory; use a smaller {size} or {history}, or less with {memory}"
                )
            }
            Self::DeviceLost { message } => {
                let [size, memory, device] = [Setting::Size, Setting::Memory, Setting::Device].map(spell);
                format!(
                    "the device was lost: {message}. Try again; if it happens again, use a smaller {size} or {memory}, \
                     update the driver, or use another {device}"
                )
            }
            Self::NoFiniteLoss => {
                format!(
                    "the loss was never a finite number; use lower weights or a smaller {}",
                    spell(Setting::Lr)
                )
            }
            Self::Internal { message } => {
                let version = env!("CARGO_PKG_VERSION");
                format!("a fault in Impasto {version}: {message}. Please report this line and the command")
            }
            Self::Gpu { what, message } => format!("GPU error in {what}: {message}"),
        }
    }

    /// True for errors in what was asked for rather than in a file or a device: exit code 2.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_) | Self::Setting { .. })
    }

    /// The same error with `more` appended for the user.
    pub fn with_more(self, more: &str) -> Self {
        match self {
            Self::Gpu { what, message } => Self::Gpu { what, message: format!("{message}; {more}") },
            Self::DeviceLost { message } => Self::DeviceLost { message: format!("{message}; {more}") },
            Self::OutOfMemory { what } => Self::OutOfMemory { what: format!("{what} ({more})") },
            Self::Output { path, reason } => Self::Output { path, reason: format!("{reason}; {more}") },
            Self::Internal { message } => Self::Internal { message: format!("{message}; {more}") },
            other => other,
        }
    }

    /// The same error with changes of settings that may help, where its kind has any.
    pub(crate) fn with_remedies(mut self, by: impl Into<Vec<Remedy>>) -> Self {
        match &mut self {
            Self::Setting { remedies, .. }
            | Self::Weights { remedies, .. }
            | Self::Adapter { remedies, .. }
            | Self::TooLarge { remedies, .. } => *remedies = by.into(),
            _ => {}
        }
        self
    }

    pub(crate) fn setting(setting: Setting, problem: impl Into<String>) -> Self {
        Self::Setting { setting, problem: problem.into(), remedies: vec![] }
    }

    pub(crate) fn too_large(problem: impl Into<String>) -> Self {
        Self::TooLarge { problem: problem.into(), remedies: vec![] }
    }

    pub(crate) fn adapter(problem: impl Into<String>) -> Self {
        Self::Adapter { problem: problem.into(), remedies: vec![] }
    }

    pub(crate) fn image(path: &Path, reason: impl Into<String>) -> Self {
        Self::Image { path: path.into(), reason: in_one_line(&reason.into()) }
    }

    pub(crate) fn weights(path: &Path, reason: impl Into<String>) -> Self {
        Self::Weights { path: path.into(), reason: in_one_line(&reason.into()), remedies: vec![] }
    }

    pub(crate) fn output(path: &Path, reason: impl Into<String>) -> Self {
        Self::Output { path: path.into(), reason: reason.into() }
    }

    pub(crate) fn gpu(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Gpu { what: what.into(), message: message.into() }
    }
}

/// `text` with line breaks and other control characters escaped: text quoted from a file cannot control the
/// terminal.
fn in_one_line(text: &str) -> String {
    let visible = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_from_files_are_escaped() {
        let error = Error::weights(Path::new("a"), "tensor `b\n\u{1b}[2J` is missing");
        assert_eq!(error.to_string(), "a: tensor `b\\n\\u{1b}[2J` is missing");
        assert_eq!(in_one_line("größer als 'x'"), "größer als 'x'");
    }

    #[test]
    fn messages_name_settings_as_the_caller_spells_them() {
        let remedies = [Remedy::AtMost(Setting::Scales, 3), Remedy::Raise(Setting::Size)];
        let error = Error::setting(Setting::Scales, "5 is too many").with_remedies(remedies);
        assert_eq!(error.to_string(), "scales 5 is too many; use scales 3 or less, or a larger size");
        let marked = |setting: Setting| format!("<{setting}>");
        assert_eq!(
            error.message(&marked),
            "<scales> 5 is too many; use <scales> 3 or less, or a larger <size>"
        );
        assert!(Error::OutOfMemory { what: "tensor".into() }.message(&marked).contains("<memory>"));
    }

    /// Options of the command line are the binary's: library code names a [`Setting`] instead.
    #[test]
    fn the_library_names_no_command_line_options() {
        let source = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("src");
        let binary = [source.join("cli"), source.join("main.rs")];
        let mut folders = vec![source.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                if binary.contains(&entry) {
                    continue;
                }
                if entry.is_dir() {
                    folders.push(entry);
                } else if entry.extension().is_some_and(|extension| extension == "rs") {
                    let text = std::fs::read_to_string(&entry).unwrap();
                    for (number, line) in text.lines().enumerate() {
                        assert!(!names_an_option(line), "{}:{}: {line}", entry.display(), number + 1);
                    }
                }
            }
        }
    }

    /// Whether a line has two hyphens before a letter.
    fn names_an_option(line: &str) -> bool {
        line.split("--").skip(1).any(|part| part.starts_with(|c: char| c.is_ascii_lowercase()))
    }
}

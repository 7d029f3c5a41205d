//! The one error type of the library: each message names the thing that is wrong and the remedy.

use std::path::{Path, PathBuf};

/// What every fallible function of this library returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, each with one line fit to show a person.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A setting that can never work, whatever the files and the device are (exit code 2).
    #[error("{0}")]
    Usage(String),

    /// An image that cannot be read, or that no picture can be made from.
    #[error("{}: {reason}", path.display())]
    Image {
        /// The file as the user named it.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// A weights file with a missing, misshapen or unreadable tensor.
    #[error("{}: {reason}", path.display())]
    Weights {
        /// The file, or `built-in weights`.
        path: PathBuf,
        /// The tensor and what is wrong with it.
        reason: String,
    },

    /// A checkpoint that cannot be gone on from.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file as the user named it.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// A log that cannot be read.
    #[error("{}: {reason}", path.display())]
    Log {
        /// The file as the user named it.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// A file that cannot be written.
    #[error("{}: cannot write: {reason}", path.display())]
    Output {
        /// The file as the user named it.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },

    /// A saved profile that cannot be read.
    #[error("{}: {reason}", path.display())]
    Profile {
        /// The file as the user named it.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// Variants of kernels that do not compute what they should.
    #[error("on {device} these kernels are wrong or fail: {kernels}; --kernel chooses others")]
    Kernels {
        /// The adapter.
        device: String,
        /// Operation and variant of each.
        kernels: String,
    },

    /// Parts of the self-test that are wrong or fail.
    #[error("{device} does not compute what it should: {parts}. Update its driver, or use another device")]
    Selftest {
        /// The adapter.
        device: String,
        /// Name of each.
        parts: String,
    },

    /// No adapter at all, or none that matches what was asked for.
    #[error("{0}")]
    Adapter(String),

    /// The work does not fit the adapter's limits.
    #[error("{0}")]
    TooLarge(String),

    /// The device has no memory left for this.
    #[error("{what}: the device is out of memory; use a smaller --size or --history, or less with --memory")]
    OutOfMemory {
        /// What there was none for.
        what: String,
    },

    /// The device is gone: reset by the driver, unplugged, or stopped.
    #[error(
        "the device was lost: {message}. Try again; if it happens again, use a smaller --size or --memory, \
        update the driver, or use another --device"
    )]
    DeviceLost {
        /// The driver's own words.
        message: String,
    },

    /// The device refused something or failed while working.
    #[error("GPU error in {what}: {message}")]
    Gpu {
        /// The kernel, buffer or step at fault.
        what: String,
        /// The driver's or wgpu's own words.
        message: String,
    },
}

impl Error {
    /// True for errors in what was asked for rather than in a file or a device: exit code 2.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_))
    }

    /// The same with something to add for the user.
    pub fn with_more(self, more: &str) -> Self {
        match self {
            Self::Gpu { what, message } => Self::Gpu { what, message: format!("{message}; {more}") },
            Self::DeviceLost { message } => Self::DeviceLost { message: format!("{message}; {more}") },
            Self::OutOfMemory { what } => Self::OutOfMemory { what: format!("{what} ({more})") },
            Self::Output { path, reason } => Self::Output { path, reason: format!("{reason}; {more}") },
            other => other,
        }
    }

    pub(crate) fn image(path: &Path, reason: impl Into<String>) -> Self {
        Self::Image { path: path.into(), reason: in_one_line(&reason.into()) }
    }

    pub(crate) fn weights(path: &Path, reason: impl Into<String>) -> Self {
        Self::Weights { path: path.into(), reason: in_one_line(&reason.into()) }
    }

    pub(crate) fn output(path: &Path, reason: impl Into<String>) -> Self {
        Self::Output { path: path.into(), reason: reason.into() }
    }

    pub(crate) fn gpu(what: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Gpu { what: what.into(), message: message.into() }
    }
}

/// A message that quotes a file, with line breaks and other control characters made visible: a file must not
/// speak to the terminal.
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
    fn files_do_not_speak_to_the_terminal() {
        let error = Error::weights(Path::new("a"), "tensor `b\n\u{1b}[2J` is missing");
        assert_eq!(error.to_string(), "a: tensor `b\\n\\u{1b}[2J` is missing");
        assert_eq!(in_one_line("größer als 'x'"), "größer als 'x'");
    }
}

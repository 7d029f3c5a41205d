//! Messages in the words of the page.

use impasto::Error;
use impasto::error::Setting;

/// The message of an error, in a sentence that tells what to do on the page.
pub fn message(error: &Error) -> String {
    match error {
        Error::DeviceLost { .. } => {
            "The browser took the GPU away: the driver was reset, or the work took too long. Paint again, \
            and if it happens again choose a smaller size."
                .into()
        }
        Error::OutOfMemory { .. } => {
            "The GPU has no memory left. Close other tabs or programs that use it, or choose a smaller \
            size."
                .into()
        }
        // It begins with the name of a file.
        Error::Image { .. } | Error::Weights { .. } => error.message(&label),
        error => sentence(&error.message(&label)),
    }
}

/// What the page calls a setting.
fn label(setting: Setting) -> String {
    format!("'{}'", setting.name().replace('-', " "))
}

/// The text with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

//! Opens a page in the user's browser.

use std::process::{Command, Stdio};

/// Hands an address to the system's browser.
///
/// # Errors
/// If there is no program that does it.
pub fn browse(address: &str) -> std::io::Result<()> {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        Command::new("explorer")
    } else {
        Command::new("xdg-open")
    };
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(|_| ())
}

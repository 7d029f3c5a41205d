//! `--view`: tells where the page is, and opens a browser if asked to.

use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};
use impasto::Result;
use impasto::view::View;

use super::interrupt::StopFlag;
use crate::cli::options::CommonOptions;

/// The option of commands that can be watched.
#[derive(Debug, Args)]
pub struct ViewOptions {
    /// Show the picture and its losses while they change, on a page of 127.0.0.1; =open also opens a browser
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "serve",
        value_name = "serve|open")]
    view: Option<ViewOption>,
}

/// What `--view` does besides serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ViewOption {
    /// Prints the address
    Serve,
    /// Opens a browser, too
    Open,
}

impl ViewOptions {
    /// The view of what is about to begin, if one is wanted. The address is said even to the quiet, who asked
    /// for it.
    pub fn open(&self, common: &CommonOptions, stop: &StopFlag) -> Result<Option<View>> {
        let Some(how) = self.view else { return Ok(None) };
        let view = View::open(stop.clone())?;
        let address = view.address();
        eprintln!("view: {address}");
        if how == ViewOption::Open
            && let Err(error) = browse(&address)
        {
            common.say(format_args!("no browser can be opened ({error}): open {address} in one"));
        }
        Ok(Some(view))
    }
}

/// Hands an address to the system's browser.
fn browse(address: &str) -> std::io::Result<()> {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        Command::new("explorer")
    } else {
        Command::new("xdg-open")
    };
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(|_| ())
}

//! `--view`: serves the live view, prints its address, and opens a browser if asked to.

use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};
use impasto::Result;
use impasto::view::View;

use super::interrupt::StopFlag;
use crate::cli::options::CommonOptions;
use crate::cli::terminal::say;

/// The option of commands that have a live view.
#[derive(Debug, Args)]
pub struct ViewOptions {
    /// Show image and losses on a page of 127.0.0.1
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "serve", hide_possible_values = true,
        long_help = "Show image and losses on a page of 127.0.0.1; =open also opens a browser",
        value_name = "serve|open")]
    view: Option<ViewOption>,
}

/// What `--view` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ViewOption {
    /// Print the address
    Serve,
    /// Open a browser as well
    Open,
}

impl ViewOptions {
    /// The view of the work that is about to begin, if one is asked for. `--quiet` does not hide its address.
    pub fn open(&self, common: &CommonOptions, stop: &StopFlag) -> Result<Option<View>> {
        let Some(how) = self.view else { return Ok(None) };
        let view = View::open(stop.clone())?;
        let address = view.address();
        say(format_args!("view: {address}"));
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

//! `paint --view`: tells where the page is, and opens a browser if asked to.

use std::process::{Command, Stdio};

use clap::ValueEnum;
use impasto::Result;
use impasto::view::View;

use super::Job;
use super::session::StopFlag;
use crate::cli::options::CommonOptions;

/// What `--view` does besides serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ViewOption {
    /// Prints the address
    Serve,
    /// Opens a browser, too
    Open,
}

/// A view of a painting that is about to begin. The address is said even to the quiet, who asked for it.
pub fn open(how: ViewOption, job: &Job, common: &CommonOptions, stop: &StopFlag) -> Result<View> {
    let view = View::open(job.schedule.iterations(), stop.clone())?;
    let address = view.address();
    eprintln!("view: {address}");
    if how == ViewOption::Open
        && let Err(error) = browse(&address)
    {
        common.say(format_args!("no browser can be opened ({error}): open {address} in one"));
    }
    Ok(view)
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

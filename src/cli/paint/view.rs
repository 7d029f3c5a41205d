//! `--view`: serves the live view, prints its address, and opens a browser if asked to.

use std::path::Path;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use impasto::Result;
use impasto::gpu::AdapterSummary;
use serde_json::json;

use super::Request;
use super::interrupt::StopFlag;
use crate::cli::options::CommonOptions;
use crate::cli::settings::Settings;
use crate::cli::studio::{Api, Live, Server, Subject, info, open_page};
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

/// The page of work in progress. It ends when dropped.
pub struct View {
    pub live: Arc<Live>,
    _server: Server,
}

impl ViewOptions {
    /// The view of the work that is about to begin on this device, if one is asked for. `--quiet` does not hide its address.
    pub fn open(
        &self,
        adapter: &AdapterSummary,
        common: &CommonOptions,
        stop: &StopFlag,
    ) -> Result<Option<View>> {
        let Some(how) = self.view else { return Ok(None) };
        let live = Arc::new(Live::new(stop.clone()));
        let info = info(adapter, "This page shows a painting that was started from a terminal.", false)?;
        let server = Server::open(0, Api { live: live.clone(), queue: None, info })?;
        say(format_args!("view: {}", server.address()));
        if how == ViewOption::Open {
            open_page(&server.address(), common);
        }
        Ok(Some(View { live, _server: server }))
    }
}

impl Request {
    /// The painting as a page shows it, under this name.
    pub fn subject(&self, name: &str) -> Result<Subject> {
        let file_name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Subject {
            id: name.into(),
            name: name.into(),
            settings: json!(Settings::of(&self.painting)?),
            images: self.images().map(file_name).collect(),
        })
    }
}

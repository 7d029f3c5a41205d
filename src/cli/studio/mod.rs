//! `impasto studio`: a page of 127.0.0.1 with a queue of paintings and a gallery, and the page of `--view`.

mod api;
mod browser;
mod clicked;
mod entry;
mod http;
mod live;
mod pages;
mod painting;
mod points;
mod queue;
mod refusal;
mod server;
mod upload;

pub use api::Api;
pub use browser::browse;
pub use clicked::{opened_by_a_click, wait_for_enter};
pub use live::{Live, Subject};
pub use server::Server;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;
use impasto::gpu::{AdapterSummary, choose_adapter, list_adapters};
use impasto::{Error, Result};
use serde_json::{Value, json};

use super::options::{CommonOptions, PAINTING_PRECISION};
use super::paint::stop_on_signal;
use super::paths::path;
use super::presets::{self, PRESETS};
use super::settings::Settings;
use super::terminal::say;
use painting::Painting;
use queue::Queue;

/// Arguments of `impasto studio`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    mut_arg("precision", |arg| arg.default_value(PAINTING_PRECISION)),
    after_help = "\
Examples:
  impasto studio
  impasto studio --folder paintings/ --no-open

Drop two pictures on the page, choose, and paint: the paintings wait in a queue, and each picture is in the folder when it is
finished. Only this computer's browsers reach the page, by the address with the key that the command prints. Ctrl-C ends the
studio; what is in the queue is painted when it is started again."
)]
pub struct Studio {
    /// The folder of the pictures and of the queue [default: Impasto in the folder of your pictures]
    #[arg(long, value_name = "FOLDER", value_parser = path())]
    folder: Option<PathBuf>,

    /// The port of 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,

    /// Print the address only, and open no browser
    #[arg(long)]
    no_open: bool,

    #[command(flatten)]
    common: CommonOptions,
}

impl Studio {
    pub fn run(&self) -> Result<ExitCode> {
        let common = &self.common;
        let adapters = list_adapters();
        let chosen = choose_adapter(&adapters, &common.device.clone().unwrap_or_default())?;
        let folder = self.folder.clone().map_or_else(default_folder, Ok)?;
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let queue = Arc::new(Queue::open(&folder)?);
        let quit = stop_on_signal()?;
        // The page's button stops a painting, and Ctrl-C the studio.
        let live = Arc::new(Live::new(Arc::new(AtomicBool::new(false))));
        let info = info(
            &adapters[chosen],
            &format!("Pictures stay on this computer, in {}.", folder.display()),
            true,
        )?;
        let api = Api { live: live.clone(), queue: Some(queue.clone()), info };
        let server = Server::open(self.port, api)?;
        say(format_args!("studio: {}", server.address()));
        common.say(format_args!("pictures are in {}; Ctrl-C ends the studio", folder.display()));
        if !self.no_open {
            open_page(&server.address(), common);
        }
        Painting { queue: &queue, live: &live, common, quit: &quit }.run()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Opens a page in a browser, or says that the user has to.
pub fn open_page(address: &str, common: &CommonOptions) {
    if let Err(error) = browse(address) {
        common.say(format_args!("no browser can be opened ({error}): open {address} in one"));
    }
}

/// `Info` of `engine.js`; without `adds` the page only watches.
///
/// # Errors
/// For settings that JSON cannot hold.
pub fn info(adapter: &AdapterSummary, place: &str, adds: bool) -> Result<Value> {
    let slow = format!(
        "No GPU is used: paintings are computed by the processor through {}, which takes minutes. Choose a small size.",
        adapter.name
    );
    let notes: Vec<String> = adapter.is_software().then_some(slow).into_iter().collect();
    let presets = PRESETS.iter().map(|preset| {
        json!({ "name": preset.name, "source": preset.source, "settings": presets::settings(preset.name) })
    });
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "device": adapter.name,
        "where": place,
        "notes": notes,
        "presets": presets.collect::<Vec<_>>(),
        "defaults": Settings::defaults()?,
        "can": { "add": adds, "keep": true, "pause": true, "selftest": false },
        "most": upload::MOST,
        "mostOfFile": upload::MOST_OF_FILE,
    }))
}

/// The folder `Impasto` in that of the user's pictures.
fn default_folder() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(pictures) = variable("XDG_PICTURES_DIR").filter(|folder| folder.is_dir()) {
        return Ok(pictures.join("Impasto"));
    }
    let home = variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    let home =
        home.ok_or_else(|| Error::Usage("your home folder is unknown: name one with --folder".into()))?;
    let pictures = home.join("Pictures");
    Ok(if pictures.is_dir() { pictures } else { home }.join("Impasto"))
}

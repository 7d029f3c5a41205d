//! Impasto as WebAssembly. `web/page/worker.js` calls these functions, one at a time; those marked `jspi` suspend while they
//! wait for the device, and return promises. Data goes in and out as JSON, described in `web/page/engine.js`.

// JSPI counts as experimental, which this version of wasm-bindgen says by calling it deprecated.
#![allow(deprecated)]

mod cli;
mod device;
mod page;
mod painting;
mod plan;
mod words;

use std::cell::Cell;
use std::path::Path;

use impasto::image_io::{Image, Size};
use impasto::vgg19::provide_built_in;
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

use cli::note::Note;
use cli::presets::{self, PRESETS};
use cli::settings::Settings;
use page::Page;
use words::message;

/// Longer side of a preview.
const PREVIEW: u32 = 512;

thread_local! {
    static LOST: Cell<bool> = const { Cell::new(false) };
}

/// An error of JavaScript with a message for the user.
fn failed(error: impasto::Error) -> JsError {
    if matches!(error, impasto::Error::DeviceLost { .. }) {
        LOST.set(true);
    }
    JsError::new(&message(&error))
}

/// Whether the device was lost: the engine has to start anew.
#[wasm_bindgen]
pub fn is_lost() -> bool {
    LOST.get()
}

/// What the page shows of the program: `version`, `presets` and `defaults`. Call it first.
#[wasm_bindgen]
pub fn about() -> Result<String, JsError> {
    std::panic::set_hook(Box::new(|panic| page::panicked(&panic.to_string())));
    let presets = PRESETS.each_ref().map(|preset| {
        json!({
            "name": preset.name, "source": preset.source, "settings": presets::settings(preset.name),
        })
    });
    let defaults = Settings::defaults().map_err(failed)?;
    let about = json!({ "version": env!("CARGO_PKG_VERSION"), "presets": presets, "defaults": defaults });
    Ok(about.to_string())
}

/// Takes the file of the weights.
#[wasm_bindgen]
pub fn provide_weights(bytes: Vec<u8>) {
    provide_built_in(bytes);
}

/// Opens the device, which is called `name` in messages; `tuned` is what [`Page::tuned`] was given in an earlier visit. Gives
/// `notes`, for the user.
#[wasm_bindgen(jspi)]
pub fn open(name: String, tuned: Vec<u8>) -> Result<String, JsError> {
    let notes = device::open(name, tuned).map_err(failed)?;
    Ok(json!({ "notes": notes }).to_string())
}

/// An image as the page shows it before it is painted.
#[wasm_bindgen(getter_with_clone)]
pub struct Look {
    /// `Look` of `web/page/engine.js` without `preview`, as JSON.
    pub json: String,
    /// The bytes of a PNG file.
    pub preview: Vec<u8>,
}

/// Decodes an image file.
#[wasm_bindgen]
pub fn look(name: &str, bytes: &[u8]) -> Result<Look, JsError> {
    let path = Path::new(name);
    let decoded = Image::parse(path, bytes).map_err(failed)?;
    let (width, height) = (decoded.image.width(), decoded.image.height());
    let size = Size::Longer(PREVIEW.min(width.max(height)));
    let preview = decoded.image.resized(size).and_then(|image| image.to_png()).map_err(failed)?;
    let note = Image::parse_note(path, bytes).ok().and_then(|note| serde_json::from_str::<Note>(&note).ok());
    let made = note.map_or(Value::Null, |note| json!({ "settings": note.settings, "images": note.images }));
    let json = json!({ "width": width, "height": height, "warnings": decoded.warnings, "made": made });
    Ok(Look { json: json.to_string(), preview })
}

/// Prepares a painting of these images, of which the first is the content, and gives its plan as JSON. It takes the place of
/// the one that was prepared before.
#[wasm_bindgen(jspi)]
pub fn prepare(
    page: &Page,
    names: Vec<String>,
    files: Vec<js_sys::Uint8Array>,
    settings: &str,
    like: &str,
) -> Result<String, JsError> {
    let files = files.iter().map(js_sys::Uint8Array::to_vec);
    let plan = plan::prepare(page, names.into_iter().zip(files), settings, like).map_err(failed)?;
    Ok(plan.to_string())
}

/// A finished painting.
#[wasm_bindgen(getter_with_clone)]
pub struct Painted {
    /// What an `Entry` of `web/page/engine.js` says of it, as JSON.
    pub json: String,
    /// The bytes of its PNG file.
    pub png: Vec<u8>,
    /// The bytes of a small one.
    pub preview: Vec<u8>,
}

/// Paints what was prepared.
#[wasm_bindgen(jspi)]
pub fn paint(page: &Page) -> Result<Painted, JsError> {
    painting::paint(page).map_err(failed)
}

/// Tests the device: the golden painting, and with `all` every kernel and both optimisers, too. True if all is right.
#[wasm_bindgen(jspi)]
pub fn selftest(page: &Page, all: bool) -> Result<bool, JsError> {
    device::selftest(page, all).map_err(failed)
}

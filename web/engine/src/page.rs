//! The functions of the worker in `web/page/worker.js` that the engine calls.

use js_sys::Promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Writes a line to the browser's console.
    #[wasm_bindgen(js_namespace = console)]
    pub fn log(line: &str);

    /// The message of a panic, before WebAssembly traps.
    #[wasm_bindgen(js_namespace = globalThis, js_name = impastoPanicked)]
    pub fn panicked(message: &str);

    /// The worker's side of a painting.
    pub type Page;

    /// A line of text about the work in progress, and the share that is done.
    #[wasm_bindgen(method)]
    pub fn status(this: &Page, text: &str, share: f64);

    /// A sentence for the user.
    #[wasm_bindgen(method)]
    pub fn note(this: &Page, text: &str);

    /// After an evaluation: `Progress` of `web/page/engine.js` as JSON, without `id`.
    #[wasm_bindgen(method)]
    pub fn progress(this: &Page, json: &str);

    /// The picture so far: bytes of red, green, blue and opacity.
    #[wasm_bindgen(method)]
    pub fn picture(this: &Page, width: u32, height: u32, rgba: Vec<u8>);

    /// A PNG file of the picture so far, which was wished for, or which is all that is left after an error.
    #[wasm_bindgen(method)]
    pub fn saved(this: &Page, png: Vec<u8>);

    /// What the page wishes: a sum of [`STOP`], [`SAVE`], [`PICTURE`] and [`PAUSE`].
    #[wasm_bindgen(method)]
    pub fn wishes(this: &Page) -> u32;

    /// Resolved when the worker has had a turn for messages, and not before the painting is to go on.
    #[wasm_bindgen(method)]
    pub fn turn(this: &Page) -> Promise;

    /// The findings of the tuner, to be kept.
    #[wasm_bindgen(method)]
    pub fn tuned(this: &Page, contents: &[u8]);
}

/// End the painting.
pub const STOP: u32 = 1;
/// Call `saved`.
pub const SAVE: u32 = 2;
/// Call `picture`.
pub const PICTURE: u32 = 4;
/// Wait for `turn`.
pub const PAUSE: u32 = 8;

impl Page {
    /// Lets the page have its turn. A painting that is paused goes on after it.
    pub fn wait(&self) {
        // The worker's promise is never rejected.
        let _ = js_sys::futures::jspi_block_on_promise(&self.turn());
    }
}

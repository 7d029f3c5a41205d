//! The live view: a local web page with the present image, the losses, and buttons to save and stop.
//!
//! The server runs in its own thread and shows what the painting's loop passes to it. An image is read from the device
//! only when a page has requested one.

mod server;
mod state;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::error::Result;
use crate::image_io::Image;
use crate::objective::Losses;
use server::Server;
use state::State;

/// A live view of one painting, or of several in sequence. It ends when dropped.
#[derive(Debug)]
pub struct View {
    shared: Arc<Shared>,
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
}

/// Messages between the painting's loop and the server's thread.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    stop: Arc<AtomicBool>,
    /// A page has requested an image since the last one was shown.
    wants_image: AtomicBool,
    wants_save: AtomicBool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View {
    /// Serves on a free port of 127.0.0.1. The stop button sets `stop`.
    ///
    /// # Errors
    /// [`Error::View`](crate::Error::View) if no port is free.
    pub fn open(stop: Arc<AtomicBool>) -> Result<Self> {
        let server = Arc::new(Server::bind()?);
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new("", 0)),
            stop,
            wants_image: AtomicBool::new(true),
            wants_save: AtomicBool::new(false),
        });
        let thread = {
            let (server, shared) = (server.clone(), shared.clone());
            std::thread::spawn(move || server.serve(&shared))
        };
        Ok(Self { shared, server, thread: Some(thread) })
    }

    /// Address of the page for a browser on this machine.
    pub fn address(&self) -> String {
        format!("http://{}/", self.server.host())
    }

    /// Begins a painting of `total` evaluations. `name` distinguishes several; it is empty for a single one.
    pub fn begin(&self, name: &str, total: usize) {
        *self.shared.state() = State::new(name, total);
        // The button was pressed for the previous painting.
        self.shared.wants_save.store(false, Ordering::Relaxed);
        self.shared.wants_image.store(true, Ordering::Relaxed);
    }

    /// Adds the losses of evaluation `iteration`, counted from 0.
    pub fn show_losses(&self, iteration: usize, losses: &Losses) {
        self.shared.state().add(iteration, losses);
    }

    /// True if a page waits for a newer image.
    pub fn wants_image(&self) -> bool {
        self.shared.wants_image.load(Ordering::Relaxed)
    }

    /// Shows `image`.
    pub fn show_image(&self, image: Image) {
        self.shared.state().image = Some(Arc::new(image));
        self.shared.wants_image.store(false, Ordering::Relaxed);
    }

    /// True once after the save button was pressed, however often.
    pub fn takes_save(&self) -> bool {
        self.shared.wants_save.swap(false, Ordering::Relaxed)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.server.end();
        // A panic of the thread has already been reported.
        self.thread.take().map(JoinHandle::join);
    }
}

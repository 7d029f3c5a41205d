//! Paintings seen while they come to be: a page on this machine with the picture, the losses and buttons.
//!
//! The server runs in a thread of its own and knows only what the painting's loop hands it. Pictures are
//! read from the device when somebody looks at them, not before.

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

/// A live view of one painting, or of several one after the other. It ends when dropped.
#[derive(Debug)]
pub struct View {
    shared: Arc<Shared>,
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
}

/// What the loop and the server's thread tell each other.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    stop: Arc<AtomicBool>,
    /// Somebody asked for a picture since the last one came.
    wants_image: AtomicBool,
    wants_save: AtomicBool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl View {
    /// Serves on a free port of 127.0.0.1. The stop button raises `stop`.
    ///
    /// # Errors
    /// [`Error::View`](crate::Error::View) if no port can be had.
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

    /// What to type into a browser of this machine.
    pub fn address(&self) -> String {
        format!("http://{}/", self.server.host())
    }

    /// A painting of so many evaluations begins. `name` tells it from others; empty if there are none.
    pub fn begin(&self, name: &str, total: usize) {
        *self.shared.state() = State::new(name, total);
        // A press of the button was meant for the painting before.
        self.shared.wants_save.store(false, Ordering::Relaxed);
        self.shared.wants_image.store(true, Ordering::Relaxed);
    }

    /// After each evaluation, counted from 0.
    pub fn show_losses(&self, iteration: usize, losses: &Losses) {
        self.shared.state().add(iteration, losses);
    }

    /// True if somebody waits for a newer picture.
    pub fn wants_image(&self) -> bool {
        self.shared.wants_image.load(Ordering::Relaxed)
    }

    /// The picture so far.
    pub fn show_image(&self, image: Image) {
        self.shared.state().image = Some(Arc::new(image));
        self.shared.wants_image.store(false, Ordering::Relaxed);
    }

    /// True once for a press, or several, of the save button.
    pub fn takes_save(&self) -> bool {
        self.shared.wants_save.swap(false, Ordering::Relaxed)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.server.end();
        // A panic of the thread was reported by it; there is nothing to add.
        self.thread.take().map(JoinHandle::join);
    }
}

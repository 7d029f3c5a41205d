//! Ctrl-C: stops a painting after the evaluation in progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use impasto::{Error, Result};

use crate::cli::STOPPED;

/// Raised by Ctrl-C.
pub type StopFlag = Arc<AtomicBool>;

/// A flag that the first Ctrl-C (or SIGTERM) raises; the second ends the program at once.
pub fn stop_on_signal() -> Result<StopFlag> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(STOPPED));
        }
    })
    .map_err(|e| Error::Usage(format!("Ctrl-C cannot be watched: {e}")))?;
    Ok(stop)
}

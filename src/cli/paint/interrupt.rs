//! Ctrl-C, and the signals that end like it: a painting stops after the evaluation in progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use impasto::{Error, Result};

use crate::cli::STOPPED;

/// Set once the painting is to stop.
pub type StopFlag = Arc<AtomicBool>;

/// Signals within this time are one event: a terminal that closes sends several.
const ONE_EVENT: Duration = Duration::from_secs(1);

/// A flag that the first Ctrl-C, SIGTERM or hang-up sets. The next one ends the program at once.
///
/// # Errors
/// [`Error::Usage`] if the system takes no handler.
pub fn stop_on_signal() -> Result<StopFlag> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    let mut first: Option<Instant> = None;
    let ignored = hang_up_is_ignored();
    ctrlc::set_handler(move || {
        flag.store(true, Ordering::Relaxed);
        if first.get_or_insert_with(Instant::now).elapsed() > ONE_EVENT {
            std::process::exit(i32::from(STOPPED));
        }
    })
    .map_err(|e| Error::Usage(format!("Ctrl-C cannot be handled: {e}")))?;
    if ignored {
        ignore_hang_up();
    }
    Ok(stop)
}

/// Whether the program was started with hang-ups ignored, as `nohup` does.
#[cfg(unix)]
fn hang_up_is_ignored() -> bool {
    // SAFETY: the call only writes the present action to `action`, for which all zeros are valid.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let known = libc::sigaction(libc::SIGHUP, std::ptr::null(), &mut action) == 0;
        known && action.sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(unix)]
fn ignore_hang_up() {
    // SAFETY: no handler is installed, the signal is only ignored.
    unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
}

#[cfg(not(unix))]
fn hang_up_is_ignored() -> bool {
    false
}

#[cfg(not(unix))]
fn ignore_hang_up() {}

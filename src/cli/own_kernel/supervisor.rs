//! Runs a user's kernel in another process and waits for it: a kernel that never ends or crashes the driver ends that
//! process and not this one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use impasto::{Error, Result};

use super::child::Message;
use super::file::OwnKernel;

/// Time between two looks at whether the file was saved.
const LOOK: Duration = Duration::from_millis(50);
/// Time for a process to end after it was told to.
const END: Duration = Duration::from_secs(3);

/// The process that runs at present, if one does, for the handler of Ctrl-C.
pub type Running = Arc<Mutex<Option<Child>>>;

/// Kills the process that runs, if one does.
pub fn kill(running: &Running) -> Option<ExitStatus> {
    let mut child = running.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    // It may have ended by itself.
    let _ = child.kill();
    wait(&mut child)
}

/// The exit of a process that ends soon. One that a driver holds cannot be waited for.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < END {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

/// How a run ended.
pub enum End {
    /// By itself, with this exit code: it said all there is to say.
    Done(u8),
    /// The file was saved again meanwhile.
    Superseded,
    /// It was silent for this long while it did this, and was ended.
    Silent(Duration, String),
    /// It crashed: how, and what it did then.
    Crashed(String, String),
}

impl End {
    /// A sentence about what happened, if it was a failure, and what of the kernel to look at.
    pub fn failure(&self, own: &OwnKernel) -> Option<String> {
        match self {
            Self::Done(_) | Self::Superseded => None,
            Self::Silent(limit, step) => Some(format!(
                "no sign of life for {:.1} s while {step}, so it was ended: look for a loop that does not end{}, or for a \
                 barrier that not all invocations reach; --limit gives slow kernels more time",
                limit.as_secs_f64(),
                places(own.stand_in().as_ref().map_or(&[], |stand_in| stand_in.loops()))
            )),
            Self::Crashed(how, step) => Some(format!(
                "the driver crashed ({how}) while {step}: look for an index that runs far beyond a binding or an array, \
                 and for very large arrays; a smaller kernel shows which line it is"
            )),
        }
    }
}

/// ` (line 7)`, ` (lines 7, 12)`, or nothing.
fn places(lines: &[u32]) -> String {
    let numbers = lines.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    match lines {
        [] => String::new(),
        [_] => format!(" (line {numbers})"),
        _ => format!(" (lines {numbers})"),
    }
}

/// Starts the process and passes on its messages, until it ends, is silent for longer than `limit`, or `is_superseded`.
///
/// # Errors
/// [`Error::Internal`] if no process can be started.
pub fn supervise(
    running: &Running,
    arguments: &[std::ffi::OsString],
    limit: Duration,
    is_superseded: &dyn Fn() -> bool,
    handle: &mut dyn FnMut(Message) -> Result<()>,
) -> Result<End> {
    let lines = start(running, arguments).map_err(|e| Error::Internal {
        message: format!("the process that runs the kernel does not start: {e}"),
    })?;
    let (mut last, mut step) = (Instant::now(), String::from("starting"));
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(message) => {
                last = Instant::now();
                match message {
                    Message::Step(next) => step = next,
                    message => handle(message)?,
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(ended(running, &step)),
            Err(RecvTimeoutError::Timeout) if is_superseded() => {
                kill(running);
                return Ok(End::Superseded);
            }
            Err(RecvTimeoutError::Timeout) if last.elapsed() > limit => {
                kill(running);
                return Ok(End::Silent(limit, step));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn start(running: &Running, arguments: &[std::ffi::OsString]) -> std::io::Result<Receiver<Message>> {
    let mut command = Command::new(std::env::current_exe()?);
    let mut child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take();
    *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in output.into_iter().flat_map(|output| BufReader::new(output).lines()) {
            // What is no message is a driver's, which printed it.
            let message = line.ok().and_then(|line| serde_json::from_str(&line).ok());
            if message.is_some_and(|message| sender.send(message).is_err()) {
                return;
            }
        }
    });
    Ok(receiver)
}

/// What the end of a process means: it said all, or it crashed.
fn ended(running: &Running, step: &str) -> End {
    let child = running.lock().unwrap_or_else(PoisonError::into_inner).take();
    let status = child.and_then(|mut child| wait(&mut child));
    // The codes of an end by itself; a crash has a higher one or none.
    let code = status.and_then(|status| u8::try_from(status.code()?).ok()).filter(|code| *code < 3);
    match code {
        Some(code) => End::Done(code),
        None => {
            let how = status.map_or_else(|| "without a word".into(), |status| status.to_string());
            End::Crashed(how, step.into())
        }
    }
}

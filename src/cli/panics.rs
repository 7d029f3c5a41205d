//! Panics as errors: a fault of the program ends in one line that says what to report.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Mutex;

use impasto::{Error, Result};

/// What the first panic since the last [`catch`] said.
static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Keeps the message of a panic for [`catch`] instead of printing it. With `IMPASTO_BACKTRACE` in the environment it
/// is printed as well, as without this hook.
pub fn install_hook() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::env::var_os("IMPASTO_BACKTRACE").is_some() {
            print(panic);
        }
        // A panic on several threads at once is one fault.
        if let Ok(mut first) = FIRST.lock() {
            first.get_or_insert_with(|| describe(panic));
        }
    }));
}

/// Runs `work`; a panic becomes an error.
///
/// # Errors
/// Those of `work`, and [`Error::Internal`].
pub fn catch<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let message = FIRST.lock().ok().and_then(|mut first| first.take());
        Err(Error::Internal { message: message.unwrap_or_else(|| "no message".into()) })
    })
}

/// Message and place of a panic in one line.
fn describe(panic: &PanicHookInfo) -> String {
    let text = panic.payload_as_str().unwrap_or("no message");
    let text = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let text = text.collect::<Vec<_>>().join(" ");
    match panic.location() {
        Some(place) => format!("{text} ({}:{})", place.file(), place.line()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_of_one_line() {
        install_hook();
        let error = catch(|| -> Result<()> { panic!("index 3\nout of\u{1b}[2J bounds") }).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("index 3 out of [2J bounds (src/cli/panics.rs:"), "{text}");
        assert_eq!(catch(|| Ok(7)).unwrap(), 7);
    }
}

//! What the program prints: messages on standard error, results on standard output.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::Path;

use impasto::{Error, Result};

/// Columns that a progress bar with its numbers needs.
const BAR_COLUMNS: u16 = 80;

/// Writes a line to standard error. A closed terminal or a full disk there ends no painting.
pub fn say(line: impl Display) {
    // One write, so that lines of several programs do not mix.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// The command line that opens a file in the desktop's viewer, from any folder.
pub fn open_command(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let opener = match std::env::consts::OS {
        "macos" => "open",
        // The first quoted word of 'start' is a title.
        "windows" => "start \"\"",
        _ => "xdg-open",
    };
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/\\._-:+,@%".contains(c);
    match (path.chars().all(is_plain), cfg!(windows)) {
        (true, _) => format!("{opener} {path}"),
        (false, true) => format!("{opener} \"{path}\""),
        (false, false) => format!("{opener} '{}'", path.replace('\'', "'\\''")),
    }
}

/// Writes a result to standard output. A reader that closed the pipe is no error.
///
/// # Errors
/// [`Error::Output`] for a full disk, for example.
pub fn print(text: &str) -> Result<()> {
    match write(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(failed(&e)),
        _ => Ok(()),
    }
}

/// Writes the bytes of a file to standard output.
///
/// # Errors
/// [`Error::Output`] for a full disk or a closed pipe.
pub fn print_bytes(bytes: &[u8]) -> Result<()> {
    write(bytes).map_err(|e| failed(&e))
}

fn write(bytes: &[u8]) -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    stdout.write_all(bytes).and_then(|()| stdout.flush())
}

fn failed(error: &std::io::Error) -> Error {
    Error::Output { path: "standard output".into(), reason: error.kind().to_string() }
}

/// Whether standard error is a terminal that can redraw a line and has room for a progress bar.
pub fn draws_bars() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    // Windows does not set TERM.
    let redraws = cfg!(windows) || !(term.is_empty() || term == "dumb");
    let columns = console::Term::stderr().size_checked().map_or(0, |(_, columns)| columns);
    std::io::stderr().is_terminal() && redraws && columns >= BAR_COLUMNS
}

#[cfg(all(test, not(windows)))]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        let command = |path: &str| open_command(Path::new(path));
        assert!(command("/a/b.png").ends_with("open /a/b.png"));
        assert!(command("/a b/it's.png").ends_with(r"open '/a b/it'\''s.png'"));
        assert!(command("c.png").contains("open /"), "relative paths become absolute");
    }
}

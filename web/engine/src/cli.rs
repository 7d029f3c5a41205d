//! What a page has in common with the command line, from the same files: the options of a painting with their defaults,
//! presets, the balance, the note in a picture, and how images become a painting that is ready to start.
// A page uses a part of them.
#![allow(dead_code, unused_imports)]

#[path = "../../../src/cli/balance.rs"]
mod balance;
#[path = "../../../src/cli/computation.rs"]
pub mod computation;
#[path = "../../../src/cli/earlier_settings.rs"]
mod earlier_settings;
#[path = "../../../src/cli/job.rs"]
pub mod job;
#[path = "../../../src/cli/masks.rs"]
mod masks;
#[path = "../../../src/cli/note.rs"]
pub mod note;
#[path = "../../../src/cli/options/mod.rs"]
pub mod options;
#[path = "../../../src/cli/page_settings.rs"]
pub mod page_settings;
#[path = "../../../src/cli/paths.rs"]
mod paths;
#[path = "../../../src/cli/presets.rs"]
pub mod presets;
#[path = "../../../src/cli/settings.rs"]
pub mod settings;

/// In place of the terminal's messages.
mod terminal {
    use impasto::{Error, Result};

    /// Writes a line to the browser's console.
    pub fn say(line: impl std::fmt::Display) {
        crate::page::log(&line.to_string());
    }

    /// A page has no standard output.
    pub fn print(_: &str) -> Result<()> {
        print_bytes(&[])
    }

    /// A page has no standard output.
    pub fn print_bytes(_: &[u8]) -> Result<()> {
        Err(Error::Usage("a page has no standard output".into()))
    }
}

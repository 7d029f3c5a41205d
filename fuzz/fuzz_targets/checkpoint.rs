//! A checkpoint: the state of a painting, or one line.
#![no_main]

use std::path::Path;

use impasto::painter::Checkpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Checkpoint::parse(Path::new("input"), bytes) {
        Ok(checkpoint) => drop(checkpoint.done()),
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with("input: ") && !text.contains('\n'), "{text}");
        }
    }
});

//! `--log`: one JSON object a line for each evaluation.

use std::fs::File;
use std::io::{LineWriter, Write};
use std::path::{Path, PathBuf};

use impasto::objective::Losses;
use impasto::output::OutputFile;
use impasto::painter::Evaluation;
use impasto::{Error, Result};
use serde::Serialize;

/// A log that can be followed while it grows.
pub struct Log {
    path: PathBuf,
    file: LineWriter<File>,
}

#[derive(Serialize)]
struct Line<'a> {
    iteration: usize,
    scale: usize,
    seconds: f64,
    /// In the first line only.
    #[serde(skip_serializing_if = "Option::is_none")]
    kernels: Option<&'a str>,
    #[serde(flatten)]
    losses: &'a Losses,
}

impl Log {
    /// Starts a new log in place of an old one. Of a painting that is resumed after `done` evaluations it keeps
    /// their lines.
    pub fn open(path: &Path, done: usize) -> Result<Self> {
        let file = OutputFile::of(path)?;
        file.check_writable()?;
        let kept = if done == 0 { String::new() } else { first_lines(path, done)? };
        // Atomically, so that the lines of the earlier run are never missing.
        file.replace(|writer| writer.write_all(kept.as_bytes()))?;
        let file = File::options().append(true).open(path).map_err(|e| failed(path, &e))?;
        Ok(Self { path: path.into(), file: LineWriter::new(file) })
    }

    /// Adds a line; the first one also names the kernels.
    pub fn write(&mut self, evaluation: &Evaluation, kernels: &str) -> Result<()> {
        let Evaluation { iteration, scale, seconds, losses, .. } = evaluation;
        let seconds = (seconds * 1e3).round() / 1e3;
        let kernels = (*iteration == 0).then_some(kernels);
        let line =
            serde_json::to_string(&Line { iteration: *iteration, scale: *scale, seconds, kernels, losses });
        let line = line.map_err(std::io::Error::from);
        line.and_then(|line| writeln!(self.file, "{line}")).map_err(|e| failed(&self.path, &e))
    }
}

/// The lines of the first evaluations: a killed program may have logged evaluations after its last checkpoint.
fn first_lines(path: &Path, count: usize) -> Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.split_inclusive('\n').take(count).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(e) => Err(failed(path, &e)),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::Output { path: path.into(), reason: error.kind().to_string() }
}

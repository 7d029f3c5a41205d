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
    /// Starts a new log in place of an old one.
    pub fn create(path: &Path) -> Result<Self> {
        OutputFile::of(path)?.check_writable()?;
        let file = File::create(path).map_err(|e| failed(path, &e))?;
        Ok(Self { path: path.into(), file: LineWriter::new(file) })
    }

    /// Adds a line; the first one also tells the kernels.
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

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::Output { path: path.into(), reason: error.kind().to_string() }
}

//! `impasto plot`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use impasto::chart::{Curve, svg};
use impasto::output::OutputFile;
use impasto::{Error, Result};
use serde_json::Value;

/// Arguments of `impasto plot`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto paint photo.jpg painting.jpg -o image.png --log lbfgs.jsonl
  impasto paint photo.jpg painting.jpg -o image.png --log adam.jsonl --optimizer adam
  impasto plot lbfgs.jsonl adam.jsonl -o losses.svg")]
pub struct Plot {
    /// Logs of 'paint --log'
    #[arg(required = true)]
    logs: Vec<PathBuf>,

    /// Where the drawing goes
    #[arg(short, long, value_name = "FILE.svg")]
    output: PathBuf,

    /// Which number of the log to draw: total, content, style or tv
    #[arg(long, default_value = "total", value_parser = ["total", "content", "style", "tv"])]
    term: String,
}

impl Plot {
    pub fn run(&self) -> Result<ExitCode> {
        let output = OutputFile::of(&self.output)?;
        let curves = self.logs.iter().map(|path| read(path, &self.term)).collect::<Result<Vec<_>>>()?;
        output.replace(|writer| writer.write_all(svg(&curves).as_bytes()))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The curve of a log.
fn read(path: &Path, term: &str) -> Result<Curve> {
    let refuse = |reason: String| Error::Log { path: path.into(), reason };
    let text = std::fs::read_to_string(path).map_err(|e| refuse(format!("cannot read: {}", e.kind())))?;
    let point = |(k, line): (usize, &str)| {
        let value: Option<Value> = serde_json::from_str(line).ok();
        let number = |name: &str| value.as_ref()?[name].as_f64();
        number("iteration").zip(number(term)).ok_or_else(|| {
            refuse(format!("line {} is none of a log: give a file that 'paint --log' wrote", k + 1))
        })
    };
    let points = text.lines().enumerate().map(point).collect::<Result<Vec<_>>>()?;
    Ok(Curve { name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), points })
}

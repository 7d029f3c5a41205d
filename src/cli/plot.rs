//! `impasto plot`: the losses in logs as a chart.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use impasto::chart::{Chart, ChartFormat, Losses, Run, Term};
use impasto::output::OutputFile;
use impasto::{Error, Result};

use super::file_roles::FileRoles;
use super::paths::path;

/// Arguments of `impasto plot`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto paint photo.jpg painting.jpg -o image.png --log lbfgs.jsonl
  impasto paint photo.jpg painting.jpg -o image.png --log adam.jsonl --optimizer adam
  impasto plot lbfgs.jsonl adam.jsonl -o losses.svg")]
pub struct Plot {
    /// Logs of 'paint --log'; their names are the legend
    #[arg(required = true, value_parser = path())]
    logs: Vec<PathBuf>,

    /// Where the chart goes: .svg or .png
    #[arg(short, long, value_name = "FILE.svg|.png", value_parser = path())]
    output: PathBuf,

    /// Draw one loss alone: total, content, style or tv [default: the total and its terms]
    #[arg(long, value_parser = term)]
    term: Option<Term>,
}

fn term(name: &str) -> std::result::Result<Term, String> {
    let found = Term::ALL.into_iter().find(|term| term.name() == name);
    found.ok_or_else(|| format!("choose from {}", Term::ALL.map(Term::name).join(", ")))
}

impl Plot {
    pub fn run(&self) -> Result<ExitCode> {
        FileRoles::default().reads("a log", &self.logs).writes("--output", [&self.output]).check()?;
        let format = ChartFormat::of(&self.output)?;
        let output = OutputFile::of(&self.output)?;
        let runs = self.logs.iter().map(|path| self.read(path)).collect::<Result<Vec<_>>>()?;
        let chart = Chart::losses(&runs, self.term);
        output.replace(|writer| chart.write(format, writer))?;
        Ok(ExitCode::SUCCESS)
    }

    /// The run of a log.
    fn read(&self, path: &Path) -> Result<Run> {
        let refuse = |reason: String| Error::Log { path: path.into(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| refuse(format!("cannot read: {}", e.kind())))?;
        let losses = |(k, line): (usize, &str)| {
            serde_json::from_str::<Losses>(line).map_err(|_| {
                refuse(format!("line {} is not of a log: give a file that 'paint --log' wrote", k + 1))
            })
        };
        let evaluations = text.lines().enumerate().map(losses).collect::<Result<Vec<_>>>()?;
        if evaluations.is_empty() {
            return Err(refuse("it is empty: give a file that 'paint --log' wrote".into()));
        }
        Ok(Run { name: self.name_of(path), evaluations })
    }

    /// The file's name without its extension, or the whole path where logs share a name.
    fn name_of(&self, path: &Path) -> String {
        let is_unique = self.logs.iter().filter(|log| log.file_stem() == path.file_stem()).count() == 1;
        let name = if is_unique { path.file_stem().unwrap_or_default() } else { path.as_os_str() };
        name.to_string_lossy().into_owned()
    }
}

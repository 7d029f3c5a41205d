//! `impasto extras`: what is installed beside the program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use impasto::{Error, Result};

use super::Cli;
use super::paths::path;
use super::terminal::say;

/// Arguments of `impasto extras`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto extras extras
  source extras/completions/impasto.bash         in bash, for this session
  man -l extras/man/impasto-paint.1")]
pub struct Extras {
    /// The folder for them; it is made
    #[arg(value_parser = path())]
    folder: PathBuf,
}

/// Shells, in the order of the help of clap.
const SHELLS: [Shell; 5] = [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh];

impl Extras {
    pub fn run(&self) -> Result<ExitCode> {
        let (completions, man) = (self.make("completions")?, self.make("man")?);
        for shell in SHELLS {
            let written = clap_complete::generate_to(shell, &mut Cli::command(), "impasto", &completions);
            written.map_err(|e| failed(&completions, &e))?;
        }
        clap_mangen::generate_to(Cli::command(), &man).map_err(|e| failed(&man, &e))?;
        say(format_args!("wrote {} and {}", completions.display(), man.display()));
        Ok(ExitCode::SUCCESS)
    }

    /// A folder in the folder.
    fn make(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).map_err(|e| failed(&folder, &e))?;
        Ok(folder)
    }
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::Output { path: path.into(), reason: format!("{}: choose another folder", error.kind()) }
}

//! A kernel of the user's own: the options, and the file with what it computes.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use impasto::gpu::{Shader, StandIn};
use impasto::ladder::Benchmark;
use impasto::ops::variants::Pass;
use impasto::{Error, Result};

use crate::cli::paths::path;

/// Largest file that is read as a kernel.
const LARGEST: u64 = 1 << 20;

/// Options about a kernel of the user's own.
#[derive(Debug, Args)]
#[command(next_help_heading = "Your own kernel")]
pub struct OwnKernelOptions {
    /// Write a commented kernel to begin with: the plain one of this operation
    #[arg(long, value_name = "OP", conflicts_with_all = ["tried", "op"])]
    pub template: Option<TemplateOp>,

    /// File of '--template' [default: OP.wgsl; '-' is standard output]
    #[arg(short, long, value_name = "FILE.wgsl", requires = "template", value_parser = path())]
    pub output: Option<PathBuf>,

    /// Check a kernel of your own, time it and show it beside the others
    #[arg(id = "tried", long = "try", value_name = "FILE.wgsl", value_parser = path(), conflicts_with = "no_check")]
    pub tried: Option<PathBuf>,

    /// The pass that the kernel computes [default: that of the file, else forward]
    #[arg(long, value_name = "PASS")]
    pub pass: Option<PassOption>,

    /// With '--try': again whenever the file is saved, until Ctrl-C
    #[arg(long, requires = "tried")]
    pub watch: bool,

    /// With '--try': seconds without a sign of life after which the kernel is given up
    #[arg(long, value_name = "S", default_value_t = 60.0, value_parser = limit, hide_short_help = true)]
    pub limit: f64,

    /// The process that runs the kernel, apart from the one that waits for it
    #[arg(long, hide = true, requires = "tried")]
    pub try_here: bool,
}

/// The value of `--limit`.
fn limit(text: &str) -> std::result::Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=86400.0).contains(&seconds) => Ok(seconds),
        _ => Err("give a number of seconds from 0.1 to 86400".into()),
    }
}

/// One operation.
#[derive(Debug, Clone, Copy)]
pub struct TemplateOp(pub &'static Benchmark);

impl std::str::FromStr for TemplateOp {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(Self(Benchmark::of_name(name)?))
    }
}

/// A pass as an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PassOption {
    Forward,
    Backward,
}

impl From<Pass> for PassOption {
    fn from(pass: Pass) -> Self {
        match pass {
            Pass::Forward => Self::Forward,
            Pass::Backward => Self::Backward,
        }
    }
}

impl From<PassOption> for Pass {
    fn from(pass: PassOption) -> Self {
        match pass {
            PassOption::Forward => Self::Forward,
            PassOption::Backward => Self::Backward,
        }
    }
}

/// The line of a file that says what it computes.
pub const OP_LINE: &str = "// op: ";

/// The pass of a benchmark whose kernel is meant if none is named: forward, where that has a kernel.
pub fn first_pass(benchmark: &Benchmark) -> Pass {
    if benchmark.kernel(Pass::Forward).is_ok() { Pass::Forward } else { Pass::Backward }
}

/// A user's kernel: its text, and what it computes.
pub struct OwnKernel {
    /// The file's name, which is the kernel's.
    pub name: String,
    pub text: String,
    pub benchmark: &'static Benchmark,
    /// The kernel that it stands in for.
    pub shader: &'static Shader,
    /// The passes that launch it.
    pub passes: Vec<Pass>,
}

impl OwnKernel {
    /// Reads a file. What options do not say, its line `// op: relu, backward` does.
    ///
    /// # Errors
    /// [`Error::Usage`] for a file that cannot be read or does not say what it computes.
    pub fn load(file: &Path, op: Option<&'static Benchmark>, pass: Option<PassOption>) -> Result<Self> {
        let text = read(file)?;
        let stated = text.lines().find_map(|line| line.strip_prefix(OP_LINE));
        let (stated_op, stated_pass) = match stated.map(|words| words.split_once(',').unwrap_or((words, "")))
        {
            Some((op, pass)) => (Some(op.trim()), Some(pass.trim())),
            None => (None, None),
        };
        let benchmark = match (op, stated_op) {
            (Some(op), Some(stated)) if op.name != stated => {
                return Err(Error::Usage(format!(
                    "{} says that it computes {stated}, and --op says {}: leave --op out, or change the line '{OP_LINE}{stated}'",
                    file.display(),
                    op.name
                )));
            }
            (Some(op), _) => op,
            (None, Some(name)) => Benchmark::of_name(name)?,
            (None, None) => {
                return Err(Error::Usage(format!(
                    "{} does not say what it computes: give --op, or begin it with a line such as '{OP_LINE}relu'",
                    file.display()
                )));
            }
        };
        let pass = match (pass, stated_pass) {
            (Some(pass), _) => pass.into(),
            (None, Some("backward")) if stated_op == Some(benchmark.name) => Pass::Backward,
            _ => first_pass(benchmark),
        };
        let shader = benchmark.kernel(pass)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let passes = benchmark.passes_of(shader);
        Ok(Self { name, text, benchmark, shader, passes })
    }

    /// The kernel for a device.
    ///
    /// # Errors
    /// What does not compile, or what its interface lacks, without the name of the file.
    pub fn stand_in(&self) -> std::result::Result<StandIn, String> {
        StandIn::load(self.shader, &self.name, &self.text).map_err(|error| match error {
            Error::Gpu { message, .. } => message,
            other => other.to_string(),
        })
    }
}

fn read(file: &Path) -> Result<String> {
    let fault = |reason: String| Error::Usage(format!("cannot read {}: {reason}", file.display()));
    let words = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        kind => kind.to_string(),
    };
    let size = std::fs::metadata(file).map_err(|e| fault(words(e)))?.len();
    if size > LARGEST {
        return Err(fault("it is larger than a MiB: a kernel is a text of some pages".into()));
    }
    let bytes = std::fs::read(file).map_err(|e| fault(words(e)))?;
    String::from_utf8(bytes).map_err(|_| fault("it is no text in UTF-8".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_computes_unless_options_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("my.wgsl");
        let load = |text: &str, op: Option<&str>, pass| {
            std::fs::write(&file, text).unwrap();
            let op = op.map(|name| Benchmark::of_name(name).unwrap());
            OwnKernel::load(&file, op, pass).map(|own| own.shader.name)
        };
        assert_eq!(load("// op: relu\n", None, None).unwrap(), "relu/forward");
        assert_eq!(load("//\n// op: relu, backward\n", None, None).unwrap(), "relu/backward");
        let error = load("// op: relu, backward\n", Some("tv"), None).unwrap_err().to_string();
        assert!(error.contains("says that it computes relu, and --op says tv"), "{error}");
        assert_eq!(load("", Some("tv"), None).unwrap(), "tv/forward");
        assert_eq!(load("// op: relu\n", None, Some(PassOption::Backward)).unwrap(), "relu/backward");
        assert_eq!(load("// op: l1_gradient\n", None, None).unwrap(), "l1_gradient/scale");
        let error = load("fn main() {}", None, None).unwrap_err().to_string();
        assert!(error.contains("my.wgsl") && error.contains("// op: relu"), "{error}");
        assert!(load("// op: rely\n", None, None).unwrap_err().to_string().contains("did you mean relu?"));
    }
}

//! Options of every command that works on a device: which one, its memory, its kernels, and messages.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use impasto::gpu::DeviceChoice;
use impasto::ladder::Benchmark;
use impasto::ops::variants::{ComputePrecision, Pass, TunedOp};
use impasto::tuner::{Mode, PrecisionChoice, Tuner, default_folder};
use impasto::vgg19::KernelOverride;
use impasto::{Error, Result};

use crate::cli::terminal::say;

/// The device, its memory, and how much is printed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Device and messages")]
pub struct CommonOptions {
    /// Adapter: its index or name in 'impasto devices'
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceChoice>,

    /// Memory limit such as 2GiB; beyond it work is in tiles
    #[arg(long, value_name = "SIZE", value_parser = memory_size)]
    pub memory: Option<u64>,

    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print which device, kernels and memory are used
    #[arg(short, long)]
    pub verbose: bool,

    #[command(flatten)]
    pub kernels: KernelOptions,
}

impl CommonOptions {
    /// A line for the user, unless quiet.
    pub fn say(&self, line: impl std::fmt::Display) {
        if !self.quiet {
            say(line);
        }
    }

    /// A line for the user who asked for details.
    pub fn detail(&self, line: impl std::fmt::Display) {
        if self.verbose {
            say(line);
        }
    }
}

/// Bytes from text such as `2GiB`.
pub fn memory_size(text: &str) -> std::result::Result<u64, String> {
    match text.parse::<bytesize::ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size.as_u64()),
        _ => Err("give a size such as 800MiB, 2GiB or 4GB".into()),
    }
}

/// The choice of kernels.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kernels")]
pub struct KernelOptions {
    /// Run this variant: conv3x3=naive, conv3_2=winograd_f4 for one layer, gram=tiled; or a kernel of your own, which is
    /// checked first: conv3x3=my.wgsl; repeatable
    #[arg(long = "kernel", value_name = "OP=VARIANT", hide_short_help = true)]
    pub kernels: Vec<KernelOption>,

    /// Precision of the network's computation
    #[arg(long, value_enum, default_value_t = PrecisionOption::F32, hide_short_help = true)]
    pub precision: PrecisionOption,

    /// Choose variants by the class of the device instead of timing them on its first use
    #[arg(long, hide_short_help = true)]
    pub no_tune: bool,

    /// The kernels of an earlier painting, as `--kernel` takes them, that this one runs where the device can. Empty
    /// for a choice of its own.
    #[arg(skip)]
    pub recorded: Vec<String>,
}

/// What `--kernel` takes.
#[derive(Debug, Clone)]
pub enum KernelOption {
    /// A variant.
    Variant(KernelOverride),
    /// A file of the user's own.
    Own(OwnKernelFile),
}

/// A kernel of the user's own that is to run in place of the plain one: `conv3x3=my.wgsl`, `pool_max:backward=my.wgsl`.
#[derive(Debug, Clone)]
pub struct OwnKernelFile {
    /// The operation.
    pub op: &'static Benchmark,
    /// The pass, if it is named.
    pub pass: Option<Pass>,
    /// The file.
    pub path: PathBuf,
    /// What runs the plain kernel of an operation that has others.
    plain: Option<KernelOverride>,
}

impl FromStr for KernelOption {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((target, path)) = text.split_once('=').filter(|(_, file)| file.ends_with(".wgsl")) else {
            return Ok(Self::Variant(text.parse()?));
        };
        let (name, pass) = match target.split_once(':') {
            Some((name, pass)) => {
                let known = Pass::ALL.into_iter().find(|known| known.name() == pass);
                let unknown =
                    || Error::Usage(format!("'{text}': '{pass}' is no pass: write forward or backward"));
                (name, Some(known.ok_or_else(unknown)?))
            }
            None => (target, None),
        };
        let op = Benchmark::of_name(name)?;
        if op.teaches() || op.name == "relu" {
            return Err(Error::Usage(format!(
                "'{text}': no painting runs {name} as an operation of its own"
            )));
        }
        let is_tuned = TunedOp::ALL.into_iter().any(|tuned| tuned.name() == op.name);
        let plain = is_tuned.then(|| format!("{target}=naive").parse()).transpose()?;
        Ok(Self::Own(OwnKernelFile { op, pass, path: path.into(), plain }))
    }
}

/// `--precision` of a command that paints and names none. Others compute in f32.
pub const PAINTING_PRECISION: &str = "auto";

/// What `--precision` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionOption {
    /// mixed where this device is clearly faster with it, else f32; the picture says which
    Auto,
    /// Four bytes a number, seven digits
    F32,
    /// Stored as f32, rounded to the 11 bits of f16 where matrix units multiply
    Mixed,
    /// Two bytes a number, three digits: half the memory; Gram matrices, losses and sums stay in f32
    F16,
}

impl PrecisionOption {
    /// The precision where nothing is timed.
    pub fn untimed(self) -> ComputePrecision {
        self.choice().untimed()
    }

    /// The same, as the tuner takes it.
    pub fn choice(self) -> PrecisionChoice {
        match self {
            Self::Auto => PrecisionChoice::Auto,
            Self::F32 => ComputePrecision::F32.into(),
            Self::Mixed => ComputePrecision::Mixed.into(),
            Self::F16 => ComputePrecision::F16.into(),
        }
    }
}

impl From<ComputePrecision> for PrecisionOption {
    fn from(precision: ComputePrecision) -> Self {
        match precision {
            ComputePrecision::F32 => Self::F32,
            ComputePrecision::Mixed => Self::Mixed,
            ComputePrecision::F16 => Self::F16,
        }
    }
}

impl KernelOptions {
    /// The variants that `--kernel` names.
    pub fn overrides(&self) -> Vec<KernelOverride> {
        let overrides = self.kernels.iter().filter_map(|kernel| match kernel {
            KernelOption::Variant(variant) => Some(variant.clone()),
            KernelOption::Own(own) => own.plain.clone(),
        });
        overrides.collect()
    }

    /// The kernel of the user's own, if there is one.
    ///
    /// # Errors
    /// [`Error::Usage`] if there are several.
    pub fn own(&self) -> Result<Option<&OwnKernelFile>> {
        let mut own = self.kernels.iter().filter_map(|kernel| match kernel {
            KernelOption::Own(own) => Some(own),
            KernelOption::Variant(_) => None,
        });
        match (own.next(), own.next()) {
            (first, None) => Ok(first),
            (_, Some(second)) => {
                let path = second.path.display();
                Err(Error::Usage(format!("{path}: one kernel of your own at a time: leave out one --kernel")))
            }
        }
    }

    /// The tuner that chooses the variants no `--kernel` names. It compares all with the plain kernel, so it has nothing to
    /// say where another stands in for that.
    pub fn tuner(&self) -> Tuner {
        let replaced =
            |kernel: &KernelOption| matches!(kernel, KernelOption::Own(own) if own.plain.is_some());
        let is_built_in = self.no_tune || self.kernels.iter().any(replaced);
        let mode = if is_built_in { Mode::BuiltIn } else { Mode::Cached };
        Tuner { mode, folder: default_folder(), precision: self.precision.choice() }
    }
}

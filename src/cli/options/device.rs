//! Options of every command that works on a device: which one, its memory, its kernels, and messages.

use clap::{Args, ValueEnum};
use impasto::gpu::DeviceChoice;
use impasto::ops::variants::ComputePrecision;
use impasto::tuner::{Mode, PrecisionChoice, Tuner, default_folder};
use impasto::vgg19::KernelOverride;

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
pub fn memory_size(text: &str) -> Result<u64, String> {
    match text.parse::<bytesize::ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size.as_u64()),
        _ => Err("give a size such as 800MiB, 2GiB or 4GB".into()),
    }
}

/// The choice of kernels.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kernels")]
pub struct KernelOptions {
    /// Run this variant: conv3x3=naive, conv3_2=winograd_f4 for one layer, gram=tiled; repeatable
    #[arg(long = "kernel", value_name = "OP=VARIANT", hide_short_help = true)]
    pub kernel_overrides: Vec<KernelOverride>,

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
    /// The tuner that chooses the variants no `--kernel` names.
    pub fn tuner(&self) -> Tuner {
        let mode = if self.no_tune { Mode::BuiltIn } else { Mode::Cached };
        Tuner { mode, folder: default_folder(), precision: self.precision.choice() }
    }
}

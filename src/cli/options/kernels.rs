//! Which kernels run.

use clap::{Args, ValueEnum};
use impasto::gpu::Precision;
use impasto::tuner::{Mode, Tuner, default_folder};
use impasto::vgg19::KernelOverride;

/// Which kernels run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Kernels")]
pub struct KernelOptions {
    /// Run this variant: conv3x3=naive, conv3_2=winograd_f4 for one layer, gram=tiled; repeatable
    #[arg(long = "kernel", value_name = "OP=VARIANT")]
    pub kernel_overrides: Vec<KernelOverride>,

    /// How weights and activations are stored: f16 takes half the memory and rounds to three digits
    #[arg(long, value_enum, default_value_t = PrecisionOption::F32)]
    pub precision: PrecisionOption,

    /// Choose variants by the class of the device instead of timing them on its first use
    #[arg(long)]
    pub no_tune: bool,
}

/// f32 or f16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionOption {
    /// Four bytes a number
    F32,
    /// Two bytes a number; sums, Gram matrices, losses and gradients stay in f32
    F16,
}

impl From<PrecisionOption> for Precision {
    fn from(option: PrecisionOption) -> Self {
        match option {
            PrecisionOption::F32 => Self::F32,
            PrecisionOption::F16 => Self::F16,
        }
    }
}

impl KernelOptions {
    /// How variants are chosen that nobody wished for.
    pub fn tuner(&self) -> Tuner {
        let mode = if self.no_tune { Mode::BuiltIn } else { Mode::Cached };
        Tuner { mode, folder: default_folder(), precision: self.precision.into() }
    }
}

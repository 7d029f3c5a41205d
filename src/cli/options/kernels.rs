//! Which kernels run.

use clap::Args;
use impasto::tuner::{Mode, Tuner, default_folder};
use impasto::vgg19::KernelWish;

/// Which kernels run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Kernels")]
pub struct KernelOptions {
    /// Run this variant: conv3x3=naive, conv3_2=winograd_f4 for one layer, gram=tiled; repeatable
    #[arg(long = "kernel", value_name = "OP=VARIANT")]
    pub wishes: Vec<KernelWish>,

    /// Choose variants by the class of the device instead of timing them on its first use
    #[arg(long)]
    pub no_tune: bool,
}

impl KernelOptions {
    /// How variants are chosen that nobody wished for.
    pub fn tuner(&self) -> Tuner {
        let mode = if self.no_tune { Mode::BuiltIn } else { Mode::Cached };
        Tuner { mode, folder: default_folder() }
    }
}

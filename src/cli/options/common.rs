//! Where to work and how much to say.

use clap::Args;
use impasto::gpu::DeviceChoice;

use super::KernelOptions;

/// Where to work and how much to say.
#[derive(Debug, Args)]
pub struct CommonOptions {
    /// Adapter to use: its index in 'impasto devices' or a part of its name
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceChoice>,

    /// Say nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say which device, kernels and memory are used
    #[arg(short, long)]
    pub verbose: bool,

    #[command(flatten)]
    pub kernels: KernelOptions,
}

impl CommonOptions {
    /// A line for the user, unless quiet.
    pub fn say(&self, line: impl std::fmt::Display) {
        if !self.quiet {
            eprintln!("{line}");
        }
    }

    /// A line for the user who asked for details.
    pub fn detail(&self, line: impl std::fmt::Display) {
        if self.verbose {
            eprintln!("{line}");
        }
    }
}

//! Where to work and how much to say.

use std::path::Path;

use clap::Args;
use impasto::Result;
use impasto::gpu::DeviceChoice;
use impasto::image_io::{Decoded, Image};

use super::KernelOptions;

/// Where to work and how much to say.
#[derive(Debug, Args)]
pub struct CommonOptions {
    /// Adapter to use: its index in 'impasto devices' or a part of its name
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<DeviceChoice>,

    /// Use no more memory than this for the work on the device, such as 2GiB; larger pictures go in tiles
    #[arg(long, value_name = "SIZE", value_parser = memory_size)]
    memory: Option<u64>,

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
    /// What `--memory` allows, in bytes.
    pub fn memory(&self) -> Option<u64> {
        self.memory
    }

    /// Reads an image, and says what is wrong with its file unless quiet.
    ///
    /// # Errors
    /// [`Error::Image`](impasto::Error::Image) for a file that cannot be read.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Image> {
        let path = path.as_ref();
        let Decoded { image, warnings } = Image::read(path)?;
        for warning in warnings {
            self.say(format_args!("warning: {}: {warning}", path.display()));
        }
        Ok(image)
    }

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

/// Bytes from what a user wrote.
pub fn memory_size(text: &str) -> Result<u64, String> {
    match text.parse::<bytesize::ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size.as_u64()),
        _ => Err("give a size such as 800MiB, 2GiB or 4GB".into()),
    }
}

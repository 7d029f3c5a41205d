//! A device is opened, whatever is to run on it.

use std::path::PathBuf;

use impasto::Result;
use impasto::gpu::{DeviceChoice, Gpu, GpuOptions};

/// The chosen device, with the switches that tests set in `IMPASTO_TEST_DEVICE`. Compiled kernels are kept in the folder
/// `pipelines`.
pub fn open_device(device: Option<&DeviceChoice>, pipelines: Option<PathBuf>) -> Result<Gpu> {
    switched(GpuOptions { device: device.cloned().unwrap_or_default(), pipelines, ..Default::default() })
}

/// A device with these options and the switches of tests.
pub fn switched(options: GpuOptions) -> Result<Gpu> {
    let switches = std::env::var("IMPASTO_TEST_DEVICE").unwrap_or_default();
    Gpu::open(&options.with_switches(&switches)?)
}

//! How much memory a painting may use.

use super::Choice;
use crate::gpu::{Gpu, Use};

/// Part of the device's memory that is used unasked: the rest is the screen's and other programs'.
const DEVICE_PART: f64 = 0.8;

/// Part of the machine's memory that is used unasked.
const HOST_PART: f64 = 0.6;

/// What the program takes on a device that shares the host's memory, besides what is counted: its code,
/// the embedded weights, the driver and the kernels that it compiles. Measured on lavapipe.
const PROGRAM: u64 = 352 << 20;

/// Memory that may be used, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// On the device.
    pub device: u64,
    /// In the host's memory.
    pub host: u64,
    /// True if the device works in the host's memory: then `device` is for both together.
    pub shared: bool,
    /// True if the user said how much.
    pub asked: bool,
}

impl Budget {
    /// What `asked` says, or else a good part of what device and machine have. Where a device does not tell
    /// what it has, there is no limit but what it refuses.
    ///
    /// It depends on what is there and not on what is free, so that the same command makes the same plan.
    pub fn of(gpu: &Gpu, asked: Option<u64>) -> Self {
        let host = host_memory().map_or(u64::MAX, |bytes| (bytes as f64 * HOST_PART) as u64);
        let has = gpu.adapter().memory.map_or(u64::MAX, |bytes| (bytes as f64 * DEVICE_PART) as u64);
        let shared = gpu.adapter().shares_memory();
        // A driver on the CPU may tell less than there is.
        let software = gpu.adapter().is_software();
        let device = asked.unwrap_or(if software {
            host
        } else if shared {
            has.min(host)
        } else {
            has
        });
        Self { device, host, shared, asked: asked.is_some() }
    }

    /// Whether so much is within it.
    pub fn holds(&self, device: u64, host: u64) -> bool {
        self.counted(device, host) <= self.device && (self.shared || host <= self.host)
    }

    /// What counts as taken of the device's part.
    pub fn counted(&self, device: u64, host: u64) -> u64 {
        if self.shared { device + host + PROGRAM } else { device }
    }

    /// What to ask for where a choice turned out to be too much for the device: three quarters of its part, the
    /// weights apart.
    pub fn less_than(&self, choice: &Choice) -> u64 {
        let weights = choice.device.of(Use::Weights);
        self.counted(weights + (choice.device.total() - weights) / 4 * 3, choice.host)
    }

    /// How many more vectors of so many bytes the host has room for.
    pub(super) fn room_for(&self, bytes: u64, device: u64, host: u64) -> u64 {
        let taken = if self.shared { device + host + PROGRAM } else { host };
        let all = if self.shared { self.device } else { self.host };
        all.saturating_sub(taken) / bytes.max(1)
    }
}

/// All memory of the machine in bytes, where the system tells.
fn host_memory() -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    Some(system.total_memory())
}

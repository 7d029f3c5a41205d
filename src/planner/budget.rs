//! Memory that a painting may use.

use super::Choice;
use crate::gpu::{Gpu, Use};

/// Part of the device's memory that is used by default; the rest is left to the screen and other programs.
const DEVICE_PART: f64 = 0.8;

/// Part of the host's memory that is used by default.
const HOST_PART: f64 = 0.6;

/// Bytes that the process takes on a CPU driver besides tensors and images: its code, the embedded weights, the driver
/// and its compiled kernels. At most 243 MiB where it was measured: see `docs/src/measurements/lavapipe.md`.
const PROGRAM_ON_CPU: u64 = 256 << 20;

/// The same on a GPU that shares the host's memory. It was not measured; the driver compiles the same kernels, in the
/// same process.
const PROGRAM_ON_INTEGRATED: u64 = PROGRAM_ON_CPU;

/// The same in the memory of a GPU of its own: the driver's part there is in what [`DEVICE_PART`] leaves.
const PROGRAM_ON_DISCRETE: u64 = 0;

/// Memory that may be used, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// On the device.
    pub device: u64,
    /// In the host's memory.
    pub host: u64,
    /// True if the device shares the host's memory: then `device` is for both together.
    pub shared: bool,
    /// What the program and the driver take of `device` themselves.
    pub program: u64,
    /// True if the user set it.
    pub asked: bool,
}

impl Budget {
    /// `asked` bytes, or else a fixed part of the memory of device and host. A device that does not report its memory has
    /// no limit.
    ///
    /// It depends on the total memory and not on what is free, so that the same command makes the same plan.
    pub fn of(gpu: &Gpu, asked: Option<u64>) -> Self {
        let host = host_memory().map_or(u64::MAX, |bytes| (bytes as f64 * HOST_PART) as u64);
        let has = gpu.adapter().memory.map_or(u64::MAX, |bytes| (bytes as f64 * DEVICE_PART) as u64);
        let shared = gpu.adapter().shares_memory();
        // A driver on the CPU may report less than the host has.
        let software = gpu.adapter().is_software();
        let device = asked.unwrap_or(if software {
            host
        } else if shared {
            has.min(host)
        } else {
            has
        });
        let program = match (software, shared) {
            (true, _) => PROGRAM_ON_CPU,
            (false, true) => PROGRAM_ON_INTEGRATED,
            (false, false) => PROGRAM_ON_DISCRETE,
        };
        Self { device, host, shared, program, asked: asked.is_some() }
    }

    /// Whether these bytes are within the budget.
    pub fn holds(&self, device: u64, host: u64) -> bool {
        self.counted(device, host) <= self.device && (self.shared || host <= self.host)
    }

    /// Bytes that count against `device`.
    pub fn counted(&self, device: u64, host: u64) -> u64 {
        self.program + if self.shared { device + host } else { device }
    }

    /// A budget in bytes for a device that ran out of memory with `choice`: three quarters of what the choice takes there,
    /// besides the weights.
    pub fn less_than(&self, choice: &Choice) -> u64 {
        let weights = choice.device.of(Use::Weights);
        self.counted(weights + (choice.device.total() - weights) / 4 * 3, choice.host)
    }

    /// Number of further vectors of `bytes` each that fit the host.
    pub(super) fn room_for(&self, bytes: u64, device: u64, host: u64) -> u64 {
        let taken = if self.shared { self.counted(device, host) } else { host };
        let all = if self.shared { self.device } else { self.host };
        all.saturating_sub(taken) / bytes.max(1)
    }
}

/// Total memory of the host in bytes, if the system reports it.
#[cfg(not(target_arch = "wasm32"))]
fn host_memory() -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    Some(system.total_memory())
}

/// What 32-bit WebAssembly can address.
#[cfg(target_arch = "wasm32")]
fn host_memory() -> Option<u64> {
    Some(4 << 30)
}

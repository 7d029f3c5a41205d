//! Options for opening a device.

use std::path::PathBuf;
use std::time::Duration;

use super::adapter::DeviceChoice;
use super::stand_in::StandIn;
use crate::error::{Error, Result};

/// How to open a device.
#[derive(Debug, Clone, Default)]
pub struct GpuOptions {
    /// Which adapter.
    pub device: DeviceChoice,
    /// Keeps bounds checks in every shader and fills fresh tensors with NaN, so that reads out of bounds and missing
    /// writes change results. For tests.
    pub paranoid: bool,
    /// Puts a guard of NaN behind every tensor: see [`Gpu::written_behind`](super::Gpu::written_behind). Only with
    /// `paranoid`.
    pub guarded: bool,
    /// A kernel that is run in place of one of `shaders/`.
    pub stand_in: Option<StandIn>,
    /// Limits tensors to this many bytes, as on an adapter with lower limits.
    pub max_tensor_bytes: Option<u64>,
    /// Treats the adapter as one of this kind, whatever it is: it gets the kernels, the memory budget and the length of
    /// submissions of that kind. For tests.
    pub kind: Option<wgpu::DeviceType>,
    /// Replaces matrix units by loops, so that the kernels for them run where there are none. Needs f16. For tests.
    pub emulate_matrices: bool,
    /// Times kernels with the wall clock, as on an adapter without timestamps.
    pub wall_clock: bool,
    /// Bound on the duration of a submission; `None` is 100 ms on a GPU, and no bound on the CPU.
    pub submit_time: Option<Duration>,
    /// Folder in which compiled kernels are kept for the next run, where the backend can; `None` keeps nothing.
    pub pipelines: Option<PathBuf>,
    /// Deliberate faults, for tests.
    pub faults: Faults,
}

/// Deliberate faults, for tests of error handling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// The device has only this many bytes of memory.
    pub memory: Option<u64>,
    /// The device is lost at the submission of this number.
    pub lost_at: Option<u64>,
}

const KNOWN: &str = "max-tensor-bytes=BYTES, memory=BYTES, lost-at=SUBMISSION, matrices=emulated, kind=KIND, with a \
                     kind of discrete, integrated, virtual or cpu";

impl GpuOptions {
    /// These options with the switches of a text, separated by commas: `max-tensor-bytes=N` and `memory=N` (bytes),
    /// `lost-at=N` (number of the submission), `matrices=emulated`, `kind=discrete`, `integrated`, `virtual` or `cpu`. Of
    /// two limits the lower one holds, of two kinds the first.
    ///
    /// # Errors
    /// [`Error::Usage`] naming a switch that is unknown or has no such value.
    pub fn with_switches(mut self, switches: &str) -> Result<Self> {
        for switch in switches.split(',').filter(|switch| !switch.is_empty()) {
            let unknown = || Error::Usage(format!("device switch '{switch}' is unknown; there are {KNOWN}"));
            let (name, value) = switch.split_once('=').ok_or_else(unknown)?;
            if name == "kind" {
                self.kind = self.kind.or(Some(kind(value).ok_or_else(unknown)?));
                continue;
            }
            if switch == "matrices=emulated" {
                self.emulate_matrices = true;
                continue;
            }
            let limit = match name {
                "max-tensor-bytes" => &mut self.max_tensor_bytes,
                "memory" => &mut self.faults.memory,
                "lost-at" => &mut self.faults.lost_at,
                _ => return Err(unknown()),
            };
            let value: u64 = value.parse().map_err(|_| unknown())?;
            *limit = Some(limit.map_or(value, |other| other.min(value)));
        }
        Ok(self)
    }
}

fn kind(name: &str) -> Option<wgpu::DeviceType> {
    Some(match name {
        "discrete" => wgpu::DeviceType::DiscreteGpu,
        "integrated" => wgpu::DeviceType::IntegratedGpu,
        "virtual" => wgpu::DeviceType::VirtualGpu,
        "cpu" => wgpu::DeviceType::Cpu,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_set_what_they_name() {
        let options = GpuOptions { max_tensor_bytes: Some(100), ..Default::default() };
        let options =
            options.with_switches("kind=discrete,lost-at=7,max-tensor-bytes=200,memory=5,kind=cpu").unwrap();
        assert_eq!(
            (options.max_tensor_bytes, options.kind),
            (Some(100), Some(wgpu::DeviceType::DiscreteGpu))
        );
        assert_eq!((options.faults.memory, options.faults.lost_at), (Some(5), Some(7)));
        assert_eq!(GpuOptions::default().with_switches("").unwrap().max_tensor_bytes, None);
    }

    #[test]
    fn unknown_switches_are_refused() {
        for switches in ["memory", "memory=1MiB", "lost=3", "kind=fast", "lost-at=3;memory=5"] {
            let error = GpuOptions::default().with_switches(switches).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("max-tensor-bytes"), "{error}");
        }
    }
}

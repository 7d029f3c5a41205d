//! Switches, given as text, that limit the opened device, change its kind, or make it fail: tests of the whole program set
//! them.

use super::device::GpuOptions;
use crate::error::{Error, Result};

const KNOWN: &str = "max-tensor-bytes=BYTES, memory=BYTES, lost-at=SUBMISSION, kind=KIND, with a kind of \
                     discrete, integrated, virtual or cpu";

impl GpuOptions {
    /// These options with the switches of a text, separated by commas: `max-tensor-bytes=N` and `memory=N` (bytes),
    /// `lost-at=N` (number of the submission), `kind=discrete`, `integrated`, `virtual` or `cpu`. Of two limits the lower
    /// one holds, of two kinds the first.
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

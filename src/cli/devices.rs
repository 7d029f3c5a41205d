//! `impasto devices`

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use impasto::Result;
use impasto::gpu::{AdapterSummary, DeviceChoice, Precision, choose_adapter, list_adapters, mebibytes};
use impasto::tuner::{Mode, Tuner, default_folder};

/// Arguments of `impasto devices`.
#[derive(Debug, Args)]
pub struct Devices {
    /// Adapter to use: its index or a part of its name
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceChoice>,
}

impl Devices {
    pub fn run(&self) -> Result<ExitCode> {
        let adapters = list_adapters();
        let chosen = choose_adapter(&adapters, &self.device.clone().unwrap_or_default())?;
        let tuner = Tuner { mode: Mode::Cached, folder: default_folder(), precision: Precision::F32 };
        let mut text = String::new();
        for (i, adapter) in adapters.iter().enumerate() {
            let mark = if i == chosen { '*' } else { ' ' };
            text += &format!("{mark} {i}: {adapter}\n{}", describe(adapter));
            for (variant, fault) in tuner.refused(adapter) {
                text += &format!("     refused           {variant}: {fault}\n");
            }
        }
        text +=
            "* marks the one that is used; choose another with --device, WGPU_BACKEND or WGPU_ADAPTER_NAME\n";
        // Whoever closed the pipe has seen enough.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(adapter: &AdapterSummary) -> String {
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_string();
    let subgroups = match adapter.subgroups {
        Some((min, max)) if min == max => format!("of {min}"),
        Some((min, max)) => format!("of {min} to {max}"),
        None => "no".into(),
    };
    let matrices = match adapter.cooperative_matrices.as_slice() {
        [] => "no".into(),
        shapes => shapes.join(", "),
    };
    let rows = [
        ("driver", adapter.driver.clone()),
        ("compute shaders", yes_no(adapter.usable)),
        ("largest tensor", mebibytes(adapter.max_binding.min(adapter.max_buffer))),
        ("workgroup memory", format!("{} KiB", adapter.workgroup_memory / 1024)),
        ("workgroup size", adapter.workgroup_size.to_string()),
        ("subgroups", subgroups),
        ("half precision", yes_no(adapter.f16)),
        ("timestamps", yes_no(adapter.timestamps)),
        ("matrix units", matrices),
    ];
    rows.iter().map(|(name, value)| format!("     {name:<17} {value}\n")).collect()
}

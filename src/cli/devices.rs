//! `impasto devices`

use std::process::ExitCode;

use clap::{Args, value_parser};
use impasto::gpu::{AdapterSummary, DeviceChoice, choose_adapter, list_adapters, mebibytes};
use impasto::objective::Parts;
use impasto::ops::Pooling;
use impasto::optim::{MOST_PAIRS, Method};
use impasto::painter::Iterations;
use impasto::planner::{Budget, Planner, Sizes};
use impasto::tuner::{Mode, PrecisionChoice, Tuner, default_folder};
use impasto::vgg19::{Network, Weights};
use impasto::{Error, Result};

use super::device::open_device;
use super::message;
use super::options::{PrecisionOption, memory_size};
use super::settings::Settings;
use super::terminal::print;

/// Sides that the table of `--size` lists, as far as the one asked for.
const SIDES: [u32; 12] = [256, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384];

/// Arguments of `impasto devices`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto devices
  impasto devices --size 4096                      the plans for square images up to this size
  impasto devices --size 4096 --memory 2GiB --history 10")]
pub struct Devices {
    /// Adapter to use: its index or a part of its name
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceChoice>,

    /// Print the plans for square images up to N pixels a side
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(16..=16384))]
    size: Option<u32>,

    /// With --size: memory that may be used, such as 2GiB
    #[arg(long, value_name = "SIZE", value_parser = memory_size, requires = "size")]
    memory: Option<u64>,

    /// With --size: pairs that L-BFGS remembers; by default as many as it makes at the last scale of a painting
    #[arg(long, value_name = "N", default_value_t = Iterations::LATER as u32 - 1, requires = "size",
        value_parser = value_parser!(u32).range(1..=i64::from(MOST_PAIRS)))]
    history: u32,

    /// With --size: precision of the network's computation
    #[arg(long, value_enum, default_value_t = PrecisionOption::F32, requires = "size")]
    precision: PrecisionOption,
}

impl Devices {
    pub fn run(&self) -> Result<ExitCode> {
        let adapters = list_adapters();
        let chosen = choose_adapter(&adapters, &self.device.clone().unwrap_or_default())?;
        let tuner = Tuner { mode: Mode::Cached, folder: default_folder(), precision: PrecisionChoice::Auto };
        let mut text = String::new();
        for (i, adapter) in adapters.iter().enumerate() {
            let mark = if i == chosen { '*' } else { ' ' };
            text += &format!("{mark} {i}: {adapter}\n{}", describe(adapter));
            for refusal in tuner.refused(adapter) {
                text += &format!("     refused           {refusal}: {}\n", refusal.fault);
            }
        }
        text +=
            "* marks the one that is used; choose another with --device, WGPU_BACKEND or WGPU_ADAPTER_NAME\n";
        print(&text)?;
        self.size.map_or(Ok(()), |size| self.print_plans(size))?;
        Ok(ExitCode::SUCCESS)
    }

    /// A line for each size: whether it goes in one piece or in tiles, and what it takes.
    fn print_plans(&self, size: u32) -> Result<()> {
        let gpu = open_device(self.device.as_ref(), None)?;
        let defaults = Settings::default().options().map_err(Error::Usage)?;
        let settings = defaults.objective.settings()?;
        // What is used where nothing was timed will do: variants differ little in what they take.
        let tuner = Tuner { mode: Mode::BuiltIn, folder: None, precision: self.precision.choice() };
        let choice = tuner.choose(&gpu, [size.min(1024); 2], settings.deepest(), &mut |_, _, _| ())?;
        let weights = Weights::embedded_up_to(settings.deepest())?;
        let network =
            Network::new(&gpu, &weights, Pooling::Max, &choice.kernels, choice.precision.storage())?;
        let method = Some(Method::Lbfgs { lr: Method::LBFGS_LR, history: self.history, smoothing: 0.0 });
        let budget = Budget::of(&gpu, self.memory);
        let planner = Planner { gpu: &gpu, network: &network, settings: &settings, method, budget };
        let parts = Parts::everywhere();
        print(&format!("plans for L-BFGS with {} pairs, styles as large as the image:\n", self.history))?;
        let sides = SIDES.into_iter().filter(|side| *side < size).chain([size]);
        for side in sides {
            let sizes = Sizes::square(side);
            let line = match planner.choose(&parts, &sizes) {
                Ok(choice) => format!("  {choice}\n"),
                Err(error @ Error::TooLarge { .. }) => format!("  {}\n", message(&error)),
                Err(error) => return Err(error),
            };
            print(&line)?;
        }
        Ok(())
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
        ("can be used", adapter.unusable.as_ref().map_or("yes".into(), |why| format!("no: it {why}"))),
        ("memory", adapter.memory.map_or("unknown".into(), mebibytes)),
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

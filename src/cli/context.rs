//! What commands do alike: open a device, choose kernels, put the network on it, print.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use impasto::gpu::{DeviceChoice, Gpu, GpuOptions};
use impasto::objective::{Settings, StyleCache};
use impasto::ops::variants::Variant;
use impasto::planner::{self, Strategy};
use impasto::tuner::{self, Choice};
use impasto::vgg19::{Kernels, LayerId, Network, Weights};
use impasto::{Error, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::options::{CommonOptions, NetworkOption, NetworkOptions};

/// A device with the network on it.
pub struct Context {
    pub gpu: Gpu,
    pub network: Arc<Network>,
    /// Styles that the network has seen.
    pub styles: StyleCache,
}

impl Context {
    /// Opens the device and uploads the network with the kernels that suit pictures of this size.
    pub fn open(
        choice: &NetworkOptions,
        settings: &Settings,
        size: (u32, u32),
        options: &CommonOptions,
    ) -> Result<Self> {
        let weights = load_weights(choice, settings)?;
        let gpu = open_gpu(options)?;
        let network = Arc::new(open_network(&gpu, &weights, choice, options, size)?);
        Ok(Self { gpu, network, styles: StyleCache::none() })
    }
}

/// The weights that the options name, as deep as the objective looks.
pub fn load_weights(options: &NetworkOptions, settings: &Settings) -> Result<Weights> {
    let deepest = settings.deepest();
    let weights = match &options.weights {
        Some(path) => Weights::load_up_to(path, deepest)?,
        None => Weights::embedded_up_to(deepest)?,
    };
    match options.network {
        NetworkOption::Balanced => weights.balanced(),
        NetworkOption::Normalised => weights.normalised(),
        NetworkOption::Raw => Ok(weights),
    }
}

/// The device that the options name; says so if it is only a program on the CPU.
pub fn open_gpu(options: &CommonOptions) -> Result<Gpu> {
    let gpu = open_device(options.device.as_ref())?;
    options.detail(format_args!("device: {}", gpu.adapter()));
    if gpu.adapter().is_software() {
        options.say(format_args!("no GPU is used: working on the CPU through {}", gpu.adapter().name));
    }
    Ok(gpu)
}

/// The chosen device, with the switches that tests set in `IMPASTO_TEST_DEVICE`.
pub fn open_device(device: Option<&DeviceChoice>) -> Result<Gpu> {
    let switches = std::env::var("IMPASTO_TEST_DEVICE").unwrap_or_default();
    let options = GpuOptions { device: device.cloned().unwrap_or_default(), ..Default::default() };
    Gpu::open(&options.with_switches(&switches)?)
}

/// Puts the network on the device, with the kernels that suit it and pictures of this size.
pub fn open_network(
    gpu: &Gpu,
    weights: &Weights,
    wanted: &NetworkOptions,
    options: &CommonOptions,
    (width, height): (u32, u32),
) -> Result<Network> {
    let kernels = choose_kernels(gpu, [width, height], weights.deepest(), options)?;
    network_with(gpu, weights, wanted, options, &kernels)
}

/// Puts the network on the device with these kernels.
pub fn network_with(
    gpu: &Gpu,
    weights: &Weights,
    wanted: &NetworkOptions,
    options: &CommonOptions,
    kernels: &Kernels,
) -> Result<Network> {
    options.detail(format_args!("weights: {}", weights.source));
    options.detail(format_args!("kernels: {kernels}"));
    Network::new(gpu, weights, wanted.pool.into(), kernels, options.kernels.precision.into())
}

/// The kernels that a painting with these options runs.
pub fn choose_kernels(
    gpu: &Gpu,
    size: [u32; 2],
    deepest: LayerId,
    options: &CommonOptions,
) -> Result<Kernels> {
    let tuner = options.kernels.tuner();
    let mut progress = TuningProgress::new(options);
    let choice = tuner.choose(gpu, size, deepest, &mut |done, of, what| progress.show(done, of, what))?;
    progress.finish();
    say_choice(&choice, options);
    let overrides = &options.kernels.kernel_overrides;
    let mut checked: Vec<&Variant> = vec![];
    for variant in overrides.iter().map(|kernel_override| kernel_override.variant) {
        if !checked.contains(&variant) {
            tuner::check(gpu, variant, options.kernels.precision.into())?;
            checked.push(variant);
        }
    }
    Ok(choice.kernels.with(overrides))
}

/// Text on standard output.
pub fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever closed the pipe has seen enough.
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Output { path: "standard output".into(), reason: e.kind().to_string() })
        }
        _ => Ok(()),
    }
}

/// What the user should know of a choice of kernels.
pub fn say_choice(choice: &Choice, options: &CommonOptions) {
    if let Some(note) = &choice.note {
        options.say(note);
    }
    for refusal in &choice.refused {
        options
            .say(format_args!("the kernel '{refusal}' is not used: on this device it is {}", refusal.fault));
    }
}

/// How each scale is worked on: what is not in one piece for all, the rest for those who want details.
pub fn say_choices(choices: &[planner::Choice], options: &CommonOptions) {
    for choice in choices {
        match choice.strategy {
            Strategy::Whole { .. } => options.detail(format_args!("plan: {choice}")),
            Strategy::Tiled { .. } => options.say(format_args!("plan: {choice}")),
        }
    }
}

/// What is said while kernels are timed: a bar on a terminal, elsewhere one line.
pub struct TuningProgress {
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl TuningProgress {
    pub fn new(options: &CommonOptions) -> Self {
        Self { bar: None, quiet: options.quiet }
    }

    pub fn show(&mut self, done: usize, of: usize, what: &str) {
        if self.quiet {
            return;
        }
        if done == 0 && !std::io::stderr().is_terminal() {
            eprintln!("first use of this device at this size: timing kernels");
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(of as u64);
            let style = ProgressStyle::with_template("timing kernels {bar:24} {pos}/{len}  {msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_position(done as u64);
        bar.set_message(what.to_string());
    }

    pub fn finish(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

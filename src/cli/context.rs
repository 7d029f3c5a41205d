//! The context of a command's work: the device, the kernels chosen for it, and the network on it.

use std::sync::Arc;

use impasto::Result;
use impasto::gpu::{Gpu, GpuOptions};
use impasto::objective::{Settings, StyleCache};
use impasto::ops::variants::{ComputePrecision, Variant};
use impasto::planner::{self, Strategy};
use impasto::tuner::{self, Choice, default_folder};
use impasto::vgg19::{KernelOverride, Kernels, LayerId, Network, Weights};

use super::computation::Computation;
use super::device::{open_device, switched};
use super::options::{CommonOptions, KernelOptions, NetworkOption, NetworkOptions};
use super::own_kernel::checked_stand_in;
use super::progress::TuningProgress;

/// A device with the network on it.
pub struct Context {
    pub gpu: Gpu,
    pub network: Arc<Network>,
    /// The precision that the network computes in.
    pub precision: ComputePrecision,
    /// Gram matrices of style images.
    pub styles: StyleCache,
}

impl Context {
    /// Opens the device and uploads the network, with the kernels chosen for images of this size.
    pub fn open(
        choice: &NetworkOptions,
        settings: &Settings,
        size: (u32, u32),
        options: &CommonOptions,
    ) -> Result<Self> {
        let (weights, gpu) = load_and_open(choice, settings, options)?;
        let computation = choose_kernels(&gpu, size.into(), weights.deepest(), options)?;
        let network = Arc::new(network_with(&gpu, &weights, choice, options, &computation)?);
        Ok(Self { gpu, network, precision: computation.precision, styles: StyleCache::none() })
    }
}

impl Context {
    /// How the network is computed.
    pub fn computation(&self) -> Computation {
        Computation { precision: self.precision, kernels: self.network.kernels().clone() }
    }
}

/// The weights and the device. A driver takes a moment to open, with one processor; the others read the weights meanwhile.
pub fn load_and_open(
    choice: &NetworkOptions,
    settings: &Settings,
    options: &CommonOptions,
) -> Result<(Weights, Gpu)> {
    std::thread::scope(|scope| {
        let weights = scope.spawn(|| load_weights(choice, settings));
        let gpu = open_gpu(options);
        let weights = weights.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok((weights, gpu?))
    })
}

/// The weights that the options name, up to the deepest layer of the objective.
fn load_weights(options: &NetworkOptions, settings: &Settings) -> Result<Weights> {
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

/// The device that the options name. Says so where it is a program on the CPU, or OpenGL in place of a driver
/// with more features.
pub fn open_gpu(options: &CommonOptions) -> Result<Gpu> {
    let gpu = match options.kernels.own()? {
        Some(own) => {
            let stand_in = Some(checked_stand_in(own, options)?);
            let device = options.device.clone().unwrap_or_default();
            switched(GpuOptions { device, stand_in, ..Default::default() })?
        }
        None => open_device(options.device.as_ref(), default_folder())?,
    };
    options.detail(format_args!("device: {}", gpu.adapter()));
    if gpu.adapter().is_software() {
        options.say(format_args!("no GPU is used: working on the CPU through {}", gpu.adapter().name));
    }
    if gpu.adapter().is_opengl() {
        options.say(format_args!(
            "no Vulkan, Metal or DX12 driver is found: working through OpenGL on {}, which is slower; install a \
             Vulkan driver if there is one",
            gpu.adapter().name
        ));
    }
    Ok(gpu)
}

/// Puts the network on the device with these kernels.
pub fn network_with(
    gpu: &Gpu,
    weights: &Weights,
    wanted: &NetworkOptions,
    options: &CommonOptions,
    Computation { precision, kernels }: &Computation,
) -> Result<Network> {
    options.detail(format_args!("weights: {}", weights.source));
    options.detail(format_args!("precision: {precision}"));
    options.detail(format_args!("kernels: {kernels}"));
    Network::new(gpu, weights, wanted.pool.into(), kernels, precision.storage())
}

/// The precision and the kernels for images of this size: those of `--precision` and `--kernel`, else those of an
/// earlier painting that is painted again, and else the tuner's choice.
pub fn choose_kernels(
    gpu: &Gpu,
    size: [u32; 2],
    deepest: LayerId,
    options: &CommonOptions,
) -> Result<Computation> {
    let (recorded, other) = usable(gpu, options)?;
    // A record names the variants of every layer.
    let chosen = match recorded.is_empty() || !other.is_empty() {
        true => tuned(gpu, size, deepest, options)?,
        false => Computation { precision: options.kernels.precision.untimed(), kernels: Kernels::default() },
    };
    if !other.is_empty() {
        options.say(format_args!(
            "warning: not all kernels of the earlier painting run here, so the picture is another in its details: {}",
            other.join("; ")
        ));
    }
    let overrides = options.kernels.overrides();
    let mut checked: Vec<&Variant> = vec![];
    for variant in overrides.iter().map(|kernel_override| kernel_override.variant) {
        if !checked.contains(&variant) {
            tuner::check(gpu, variant, chosen.precision.storage())?;
            checked.push(variant);
        }
    }
    Ok(Computation { kernels: chosen.kernels.with(&recorded).with(&overrides), ..chosen })
}

/// The tuner's choice for images of this size.
fn tuned(gpu: &Gpu, size: [u32; 2], deepest: LayerId, options: &CommonOptions) -> Result<Computation> {
    let tuner = options.kernels.tuner();
    let mut progress = TuningProgress::new(options);
    let choice = tuner.choose(gpu, size, deepest, &mut |done, of, what| progress.show(done, of, what))?;
    progress.finish();
    say_choice(gpu, &choice, options);
    Ok(Computation { precision: choice.precision, kernels: choice.kernels })
}

/// The recorded kernels that this device runs, and why it does not run the others.
fn usable(gpu: &Gpu, options: &CommonOptions) -> Result<(Vec<KernelOverride>, Vec<String>)> {
    let KernelOptions { recorded, precision, .. } = &options.kernels;
    let (mut usable, mut reasons) = (vec![], vec![]);
    let mut checked: Vec<(&Variant, Option<String>)> = vec![];
    for text in recorded {
        let Ok(kernel) = text.parse::<KernelOverride>() else {
            reasons.push(format!("{text} is unknown to this version"));
            continue;
        };
        let known = checked.iter().find(|(variant, _)| *variant == kernel.variant);
        let reason = match known {
            Some((_, reason)) => reason.clone(),
            None => {
                let reason = tuner::why_not(gpu, kernel.variant, precision.untimed().storage())?;
                checked.push((kernel.variant, reason.clone()));
                reasons.extend(reason.clone());
                reason
            }
        };
        if reason.is_none() {
            usable.push(kernel);
        }
    }
    Ok((usable, reasons))
}

/// Prints the note of a choice of kernels, each kernel that was refused, and that mixed precision is f32 on a device
/// where no kernel rounds.
pub fn say_choice(gpu: &Gpu, choice: &Choice, options: &CommonOptions) {
    if let Some(note) = &choice.note {
        options.say(note);
    }
    let is_mixed = choice.precision == ComputePrecision::Mixed;
    if is_mixed && !choice.precision.rounds_on(gpu) && !choice.kernels.round() {
        options.say(format_args!(
            "mixed precision is f32 here: {} has no matrix units that can be used",
            gpu.adapter().name
        ));
    }
    if let Some(ratio) = choice.mixed_over_f32 {
        options.detail(format_args!("time of mixed precision over that of f32, by timings: {ratio:.2}"));
    }
    for refusal in &choice.refused {
        options
            .say(format_args!("the kernel '{refusal}' is not used: on this device it is {}", refusal.fault));
    }
}

/// Prints the plan of each scale: scales in tiles always, the others under `-v`.
pub fn say_choices(choices: &[planner::Choice], options: &CommonOptions) {
    for choice in choices {
        match choice.strategy {
            Strategy::Whole { .. } => options.detail(format_args!("plan: {choice}")),
            Strategy::Tiled { .. } => options.say(format_args!("plan: {choice}")),
        }
    }
}

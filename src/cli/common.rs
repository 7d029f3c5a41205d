//! What `paint` and `score` do alike: open a device and put the network on it.

use impasto::Result;
use impasto::gpu::{Gpu, GpuOptions};
use impasto::objective::Settings;
use impasto::tuner;
use impasto::vgg19::{Network, Weights};

use super::options::{CommonOptions, NetworkOption, ObjectiveOptions};

/// The weights that the options name, as deep as the objective looks.
pub fn load_weights(options: &ObjectiveOptions, settings: &Settings) -> Result<Weights> {
    let deepest = settings.deepest();
    let weights = match &options.weights {
        Some(path) => Weights::load_up_to(path, deepest)?,
        None => Weights::embedded_up_to(deepest)?,
    };
    match options.network {
        NetworkOption::Normalised => weights.normalised(),
        NetworkOption::Raw => Ok(weights),
    }
}

/// The device that the options name; says so if it is only a program on the CPU.
pub fn open_gpu(options: &CommonOptions) -> Result<Gpu> {
    let device = options.device.clone().unwrap_or_default();
    let gpu = Gpu::open(&GpuOptions { device, ..Default::default() })?;
    options.detail(format_args!("device: {}", gpu.adapter()));
    if gpu.adapter().is_software() {
        options.say(format_args!("no GPU is used: working on the CPU through {}", gpu.adapter().name));
    }
    Ok(gpu)
}

/// Puts the network on the device, with the kernels that suit it.
pub fn open_network(
    gpu: &Gpu,
    weights: &Weights,
    objective: &ObjectiveOptions,
    options: &CommonOptions,
    size: (u32, u32),
) -> Result<Network> {
    let kernels = tuner::builtin(gpu, size.0, size.1);
    options.detail(format_args!("weights: {}", weights.source));
    Network::new(gpu, weights, objective.pool.into(), &kernels)
}

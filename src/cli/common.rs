//! What commands do alike: open a device and put the network on it.

use std::sync::Arc;

use impasto::Result;
use impasto::gpu::{Gpu, GpuOptions};
use impasto::objective::Settings;
use impasto::ops::Variant;
use impasto::vgg19::{Network, Weights};

use super::options::{CommonOptions, NetworkOption, NetworkOptions};

/// A device with the network on it.
pub struct Studio {
    pub gpu: Gpu,
    pub network: Arc<Network>,
}

impl Studio {
    /// Opens the device and, once `check` has nothing against it, uploads the network.
    pub fn open(
        choice: &NetworkOptions,
        settings: &Settings,
        options: &CommonOptions,
        check: impl FnOnce(&Gpu) -> Result<()>,
    ) -> Result<Self> {
        let weights = load_weights(choice, settings)?;
        let gpu = open_gpu(options)?;
        check(&gpu)?;
        let network = Arc::new(open_network(&gpu, &weights, choice, options)?);
        Ok(Self { gpu, network })
    }
}

/// The weights that the options name, as deep as the objective looks.
fn load_weights(options: &NetworkOptions, settings: &Settings) -> Result<Weights> {
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
fn open_gpu(options: &CommonOptions) -> Result<Gpu> {
    let device = options.device.clone().unwrap_or_default();
    let gpu = Gpu::open(&GpuOptions { device, ..Default::default() })?;
    options.detail(format_args!("device: {}", gpu.adapter()));
    if gpu.adapter().is_software() {
        options.say(format_args!("no GPU is used: working on the CPU through {}", gpu.adapter().name));
    }
    Ok(gpu)
}

/// Puts the network on the device, with the kernels that suit it.
fn open_network(
    gpu: &Gpu,
    weights: &Weights,
    wanted: &NetworkOptions,
    options: &CommonOptions,
) -> Result<Network> {
    let choice = Variant::choose(gpu)?;
    if let Some(refused) = choice.refused {
        options.say(format_args!(
            "the {refused} kernels do not work rightly on this device: using the {} ones",
            choice.variant
        ));
    }
    options.detail(format_args!("weights: {}; kernels: {}", weights.source, choice.variant));
    Network::new(gpu, weights, wanted.pool.into(), choice.variant)
}

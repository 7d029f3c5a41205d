//! The device of the page, and the kernels that were chosen for it.

use std::cell::RefCell;
use std::sync::Arc;

use impasto::gpu::{Gpu, GpuOptions};
use impasto::objective::Settings;
use impasto::selftest::{self, Part};
use impasto::tuner::{Mode, Tuner};
use impasto::vgg19::{Network, Weights};
use impasto::{Error, Result};

use crate::cli::computation::Computation;
use crate::cli::options::{NetworkOption, NetworkOptions, PrecisionOption};
use crate::page::Page;

/// An open device.
#[derive(Clone)]
pub struct Device {
    pub gpu: Gpu,
    /// What the tuner found out, in its own form.
    tuned: Vec<u8>,
}

thread_local! {
    static DEVICE: RefCell<Option<Device>> = const { RefCell::new(None) };
}

/// Opens the device. Gives sentences about it for the user.
///
/// # Errors
/// [`Error::Adapter`] if the browser gives none.
pub fn open(name: String, tuned: Vec<u8>) -> Result<Vec<String>> {
    let gpu = Gpu::open(&GpuOptions::default())?;
    let mut notes = vec![];
    if gpu.adapter().is_software() {
        notes.push(format!(
            "No GPU is used: {name} works on the processor, which takes minutes for a small picture."
        ));
    }
    DEVICE.set(Some(Device { gpu, tuned }));
    Ok(notes)
}

/// The device.
///
/// # Errors
/// [`Error::Adapter`] before [`open`].
pub fn device() -> Result<Device> {
    let missing = || Error::Adapter { problem: "the device is not open".into(), remedies: vec![] };
    DEVICE.with_borrow(Option::clone).ok_or_else(missing)
}

impl Device {
    /// The network with the kernels for images of this size. What the tuner finds out goes to the page.
    ///
    /// # Errors
    /// As [`Tuner::choose`] and [`Network::new`].
    pub fn network(
        &self,
        options: &NetworkOptions,
        settings: &Settings,
        size: [u32; 2],
        page: &Page,
    ) -> Result<(Arc<Network>, Computation)> {
        let deepest = settings.deepest();
        // A processor would take minutes for timings that hardly differ.
        let mode = if self.gpu.adapter().is_software() { Mode::BuiltIn } else { Mode::Cached };
        let precision = PrecisionOption::F32.choice();
        let tuner = Tuner { mode, folder: None, precision };
        let mut contents = self.tuned.clone();
        let mut show = |done: usize, of: usize, what: &str| {
            page.status(
                &format!("First use of this GPU at this size: timing {what}"),
                done as f64 / of as f64,
            );
        };
        let choice = tuner.choose_by(&self.gpu, size, deepest, &mut contents, &mut show)?;
        if contents != self.tuned {
            page.tuned(&contents);
            DEVICE.set(Some(Self { tuned: contents, ..self.clone() }));
        }
        let computation = Computation { precision: choice.precision, kernels: choice.kernels };
        let weights = weights(options, settings)?;
        let network = Network::new(
            &self.gpu,
            &weights,
            options.pool.into(),
            &computation.kernels,
            computation.precision.storage(),
        )?;
        Ok((Arc::new(network), computation))
    }
}

/// The weights up to the deepest layer of the objective, scaled as the options say.
fn weights(options: &NetworkOptions, settings: &Settings) -> Result<Weights> {
    let weights = Weights::embedded_up_to(settings.deepest())?;
    match options.network {
        NetworkOption::Balanced => weights.balanced(),
        NetworkOption::Normalised => weights.normalised(),
        NetworkOption::Raw => Ok(weights),
    }
}

/// Tests the device, with a note for each part. True if all is right.
///
/// # Errors
/// As [`device`].
pub fn selftest(page: &Page, all: bool) -> Result<bool> {
    let gpu = device()?.gpu;
    let mut show = |part: &Part, done: bool| match done {
        true => page.note(&format!("{}: {}", part.title(), outcome(part))),
        false => page.status(&part.title(), f64::NAN),
    };
    let report = if all { selftest::run(&gpu, &mut show) } else { selftest::run_objective(&gpu, &mut show) };
    page.note(&report.verdict);
    Ok(report.check().is_ok())
}

fn outcome(part: &Part) -> String {
    let measures: Vec<String> = part
        .measures
        .iter()
        .map(|m| format!("{} off by {:.0e} of {:.0e}", m.what, m.off, m.allowed))
        .collect();
    match (&part.missing, &part.fault) {
        (Some(missing), _) => format!("unsupported, needs {missing}"),
        (None, Some(fault)) => format!("WRONG, {fault}"),
        (None, None) => format!("ok, {} ({:.1} s)", measures.join(", "), part.seconds),
    }
}

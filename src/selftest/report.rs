//! The report of a self-test.

use serde::Serialize;

use super::Part;
use crate::error::{Error, Remedy, Result, Setting};
use crate::gpu::{Facts, Gpu, Precision};
use crate::ops::variants::ComputePrecision;
use crate::tuner::{self, Choice, Refusal};

/// Results of a self-test. Serialises to the file of `impasto selftest`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of the layout: [`FORMAT`](Self::FORMAT).
    pub format: u32,
    /// The version of Impasto and a fingerprint of its kernels.
    pub version: String,
    /// The operating system and the processor's architecture that the program was built for.
    pub platform: String,
    /// The device and its driver.
    pub device: Facts,
    /// One line: everything agrees, or what does not.
    pub verdict: String,
    /// Kernels of paintings on this device without timings; `None` if they could not be chosen.
    pub used: Option<String>,
    /// Variants that the tuner never chooses on this device, and why.
    pub refused: Vec<Refusal>,
    /// Every part, in the order it ran.
    pub parts: Vec<Part>,
    /// Duration in seconds.
    pub seconds: f64,
}

impl Report {
    /// The present version of the layout.
    pub const FORMAT: u32 = 2;

    pub(super) fn new(gpu: &Gpu, mut parts: Vec<Part>, choice: Option<&Choice>, seconds: f64) -> Self {
        for part in parts.iter_mut().filter(|part| part.fault.is_some()) {
            let (consequence, remedy) = consequence(gpu, part, choice);
            (part.consequence, part.remedy) = (Some(consequence), remedy);
        }
        let mut report = Self {
            format: Self::FORMAT,
            version: tuner::fingerprint().into(),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            device: Facts::of(gpu),
            verdict: String::new(),
            used: choice.map(|choice| choice.kernels.to_string()),
            refused: choice.map(|choice| choice.refused.clone()).unwrap_or_default(),
            parts,
            seconds,
        };
        report.verdict = match report.check() {
            Ok(()) => format!("everything agrees on {}", report.device.adapter),
            Err(error) => error.to_string(),
        };
        report
    }

    /// Checks for faults. A part that was not run because the device is missing a feature is not one.
    ///
    /// # Errors
    /// [`Error::Selftest`] naming every part that is wrong or does not run.
    pub fn check(&self) -> Result<()> {
        let faulty: Vec<String> = self.faults().map(Part::title).collect();
        match faulty.is_empty() {
            true => Ok(()),
            false => Err(Error::Selftest { device: self.device.adapter.clone(), parts: faulty.join("; ") }),
        }
    }

    /// The parts that are wrong or do not run.
    pub fn faults(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.fault.is_some())
    }

    /// The report as JSON, indented.
    pub fn to_json(&self) -> String {
        // Numbers, text and lists alone: nothing in it can fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// Effect of a fault on paintings on this device, and how to avoid it.
fn consequence(gpu: &Gpu, part: &Part, choice: Option<&Choice>) -> (String, Option<Remedy>) {
    let without_f16 =
        || ("f16 is wrong on this device".into(), Some(Remedy::Set(Setting::Precision, "f32".into())));
    // The tuner compares all variants with the naive one.
    let Some(variant) = part.variant.filter(|variant| *variant != variant.op().naive()) else {
        return match part.f16 {
            true => without_f16(),
            false => ("it has no substitute: do not trust images of this device".into(), None),
        };
    };
    let op = variant.op();
    let refusals = choice.map_or(&[][..], |choice| &choice.refused[..]);
    if let Some(refusal) = refusals.iter().find(|refusal| refusal.is_of(op.name(), variant.name, part.f16)) {
        return (format!("the tuner refuses it here: it is {}", refusal.fault), None);
    }
    let is_candidate = |precision| op.candidates(gpu, precision).contains(&variant);
    if part.f16 && is_candidate(ComputePrecision::F16) {
        return without_f16();
    }
    let remedy = match [ComputePrecision::F32, ComputePrecision::Mixed].map(is_candidate) {
        [true, _] => Remedy::Set(Setting::Kernel, format!("{op}=naive")),
        [false, true] => Remedy::Set(Setting::Precision, "f32".into()),
        [false, false] => return ("no painting runs it here unless it is asked for".into(), None),
    };
    // The choice was made for f32, so that it says nothing of variants that round.
    match tuner::why_not(gpu, variant, Precision::F32) {
        Ok(Some(_)) => ("the tuner refuses it here".into(), None),
        _ => ("the tuner does not detect it".into(), Some(remedy)),
    }
}

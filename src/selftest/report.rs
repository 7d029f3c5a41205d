//! What a test came to.

use serde::Serialize;

use super::Part;
use crate::error::{Error, Remedy, Result, Setting};
use crate::gpu::{Facts, Gpu, Precision};
use crate::tuner::{self, Choice, Refusal};

/// What a test came to: what `impasto selftest --report` writes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Of this layout of the report.
    pub format: u32,
    /// The version of Impasto and a fingerprint of its kernels.
    pub version: String,
    /// The operating system and the processor's architecture that the program was built for.
    pub platform: String,
    /// Where it ran.
    pub device: Facts,
    /// One line: everything agrees, or what does not.
    pub verdict: String,
    /// What paintings run on this device where nothing was timed; nothing if that could not be found out.
    pub used: Option<String>,
    /// Variants that the tuner never chooses on this device, and why.
    pub refused: Vec<Refusal>,
    /// Everything that was tried.
    pub parts: Vec<Part>,
    /// Seconds that it took.
    pub seconds: f64,
}

impl Report {
    /// What [`format`](Self::format) says now.
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

    /// Whether all is well: what the device lacks something for is.
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

/// What a fault means for paintings on this device, and what to paint with instead.
fn consequence(gpu: &Gpu, part: &Part, choice: Option<&Choice>) -> (String, Option<Remedy>) {
    let without_f16 =
        || ("f16 is wrong on this device".into(), Some(Remedy::Set(Setting::Precision, "f32".into())));
    // The tuner compares all variants with the naive one.
    let Some(variant) = part.variant.filter(|variant| *variant != variant.op().naive()) else {
        return match part.f16 {
            true => without_f16(),
            false => ("nothing stands in for it: do not trust images of this device".into(), None),
        };
    };
    let op = variant.op();
    let refusals = choice.map_or(&[][..], |choice| &choice.refused[..]);
    if let Some(refusal) = refusals.iter().find(|refusal| refusal.is_of(op.name(), variant.name, part.f16)) {
        return (format!("the tuner refuses it here: it is {}", refusal.fault), None);
    }
    let precision = if part.f16 { Precision::F16 } else { Precision::F32 };
    match (op.candidates(gpu, precision).contains(&variant), part.f16) {
        (false, _) => ("no painting runs it here unless it is asked for".into(), None),
        (true, false) => (
            "the tuner's own trial does not show it".into(),
            Some(Remedy::Set(Setting::Kernel, format!("{op}=naive"))),
        ),
        (true, true) => without_f16(),
    }
}

//! A part of the test.

use std::time::Instant;

use serde::Serialize;

use crate::error::{Remedy, Result};
use crate::ops::variants::Variant;

/// A part of the test, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Part {
    /// The operation and its variant, or what else was tried.
    pub name: String,
    /// The variant that was tried, where the operation has several.
    #[serde(skip)]
    pub variant: Option<&'static Variant>,
    /// True where numbers are stored in two bytes, as with `--precision f16`.
    pub f16: bool,
    /// How far off its numbers are.
    pub measures: Vec<Measure>,
    /// What the device is missing, so that the part was not run. That is no fault.
    pub missing: Option<String>,
    /// What is wrong.
    pub fault: Option<String>,
    /// What that means for paintings on this device.
    pub consequence: Option<String>,
    /// What to paint with instead.
    #[serde(skip)]
    pub remedy: Option<Remedy>,
    /// Seconds that it took.
    pub seconds: f64,
}

/// A number that was compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// Which.
    pub what: String,
    /// How far off it is. Infinity, which JSON has as null, stands for NaN.
    pub off: f64,
    /// How far off it may be.
    pub allowed: f64,
}

impl Measure {
    /// A number that is `off` by so much.
    pub(super) fn new(what: &str, off: f64, allowed: f64) -> Self {
        Self { what: what.into(), off: if off.is_nan() { f64::INFINITY } else { off }, allowed }
    }

    /// Whether it is near enough.
    pub fn is_right(&self) -> bool {
        self.off <= self.allowed
    }
}

impl Part {
    /// Its name, with the precision where that is not f32.
    pub fn title(&self) -> String {
        format!("{}{}", self.name, if self.f16 { ", f16" } else { "" })
    }

    /// Does the work; a failure of the device is its fault, and so is a number that is too far off.
    pub(super) fn done(self, work: &dyn Fn() -> Result<Vec<Measure>>) -> Self {
        let (begun, mut part) = (Instant::now(), self);
        match work() {
            Ok(measures) => part.measures = measures,
            Err(error) => part.fault = Some(error.to_string()),
        }
        if let Some(wrong) = part.measures.iter().find(|measure| !measure.is_right()) {
            let Measure { what, off, allowed } = wrong;
            part.fault = Some(format!("{what} is off by {off:.1e}, where {allowed:.0e} is allowed"));
        }
        part.seconds = begun.elapsed().as_secs_f64();
        part
    }
}

//! One comparison of the self-test.

use web_time::Instant;

use serde::Serialize;

use crate::error::{Remedy, Result};
use crate::ops::variants::Variant;

/// One comparison of the self-test, and its result.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Part {
    /// The operation and its variant, or another thing that was tested.
    pub name: String,
    /// The variant that was tested, where the operation has several.
    #[serde(skip)]
    pub variant: Option<&'static Variant>,
    /// True if values are stored in f16.
    pub f16: bool,
    /// The errors that were measured.
    pub measures: Vec<Measure>,
    /// Features the device is missing, so that the part was not run. That is not a fault.
    pub missing: Option<String>,
    /// What is wrong.
    pub fault: Option<String>,
    /// Effect of the fault on paintings on this device.
    pub consequence: Option<String>,
    /// How to avoid the fault.
    #[serde(skip)]
    pub remedy: Option<Remedy>,
    /// Duration in seconds.
    pub seconds: f64,
}

/// An error, and its bound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// The quantity that was compared.
    pub what: String,
    /// Its error. Infinity, which JSON writes as null, stands for NaN.
    pub off: f64,
    /// The largest error allowed.
    pub allowed: f64,
}

impl Measure {
    /// An error of `off`, with the bound `allowed`.
    pub(super) fn new(what: &str, off: f64, allowed: f64) -> Self {
        Self { what: what.into(), off: if off.is_nan() { f64::INFINITY } else { off }, allowed }
    }

    /// True if the error is within its bound.
    pub fn is_right(&self) -> bool {
        self.off <= self.allowed
    }
}

impl Part {
    /// Its name, with the precision where that is not f32.
    pub fn title(&self) -> String {
        format!("{}{}", self.name, if self.f16 { ", f16" } else { "" })
    }

    /// Runs `work`. An error of the device or a measure beyond its bound becomes the fault.
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

//! Whether a rung computes what it should.

use serde::Serialize;

use crate::gpu::Gpu;
use crate::ops::case::Case;

/// What all cases of a rung come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Check {
    /// How many there are.
    pub cases: usize,
    /// The worst deviation of an output from the f64 reference: see [`distance`]. Infinity, which JSON has
    /// as null, stands for NaN.
    ///
    /// [`distance`]: crate::ops::case::distance
    pub forward: f64,
    /// The worst deviation of a gradient.
    pub backward: f64,
    /// What is allowed of either.
    pub tolerance: f64,
    /// The first case that is not as it should be, and what is wrong with it.
    pub wrong: Option<String>,
}

impl Check {
    /// Runs them all.
    pub fn of(gpu: &Gpu, cases: Vec<Case>) -> Self {
        let mut check = Self { cases: cases.len(), ..Self::default() };
        if cases.is_empty() {
            check.wrong = Some("there is no case to check it with".into());
        }
        for case in &cases {
            if let Err(fault) = check.run(gpu, case) {
                check.wrong.get_or_insert(format!("{}: {fault}", case.label));
            }
        }
        check
    }

    fn run(&mut self, gpu: &Gpu, case: &Case) -> Result<(), String> {
        let deviation = case.check(gpu).map_err(|error| error.to_string())?;
        let deviation = deviation.ok_or("the device lacks something for it")?;
        self.forward = self.forward.max(deviation.forward);
        self.backward = self.backward.max(deviation.backward);
        self.tolerance = self.tolerance.max(case.tolerance);
        let [forward, backward] = [deviation.forward, deviation.backward];
        if forward.max(backward) > case.tolerance {
            let allowed = case.tolerance;
            return Err(format!(
                "off by {forward:.1e} forward and {backward:.1e} backward, where {allowed:.0e} is allowed"
            ));
        }
        if deviation.padding_is_zero { Ok(()) } else { Err("the padding is not zero".into()) }
    }
}

//! The choice between f32 and mixed precision.

use super::cache::Record;
use super::problem::Problem;
use super::trial::CLEARLY_FASTER;
use crate::ops::variants::{ComputePrecision, Pass};

/// Time of mixed over that of f32, summed over all layers and both passes. A pass that runs one variant in both counts
/// the same in both; of others the slowest run of mixed and the fastest of f32 count, so that no noise is taken for a
/// gain. `None` if a problem was not timed in both.
pub(super) fn mixed_over_f32(problems: &[Problem], record: &Record) -> Option<f64> {
    let (mut mixed, mut f32) = (0.0, 0.0);
    for problem in problems {
        let timed = |precision| record.timed(&problem.key, precision);
        let [exact, rounded] = [timed(ComputePrecision::F32)?, timed(ComputePrecision::Mixed)?];
        for pass in Pass::ALL {
            let [exact, rounded] = [exact.of(pass), rounded.of(pass)];
            let is_same = exact.variant == rounded.variant;
            f32 += problem.positions() * exact.fastest;
            mixed += problem.positions() * if is_same { exact.fastest } else { rounded.slowest };
        }
    }
    Some(if f32 > 0.0 { mixed / f32 } else { 1.0 })
}

/// Whether mixed precision pays for its loss in accuracy.
pub(super) fn is_clearly_faster(ratio: f64) -> bool {
    ratio <= CLEARLY_FASTER
}

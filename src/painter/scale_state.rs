//! State carried from one scale to the next: the best image, and Adam's moments.

use super::{OptimizationLoop, Scale};
use crate::error::Result;
use crate::image_io::{Filter, planes_with_margin, planes_without_margin, resample_planes};
use crate::objective::clamp_to_displayable;
use crate::optim::{Moments, Powers};

/// The result of a scale, enlarged to the size of the next.
///
/// Adam's running means are fields over the image like the image itself. The pairs of L-BFGS are not carried over:
/// their dot products hold for one size only, and the history refills within its length in steps.
pub(super) struct ScaleState {
    /// The variable to start the next scale from.
    pub x: Vec<f32>,
    /// Adam's running means, if the method is Adam.
    pub moments: Option<Moments>,
}

impl ScaleState {
    /// Reads the result of `optimization`, of the size of `from`, and enlarges it to that of `to`. Both have a margin
    /// of as many pixels: it is cut off and mirrored anew.
    ///
    /// Each term of the objective is a mean over positions, so a gradient shrinks as the number of
    /// pixels grows: its mean by the ratio of the two, its mean square by the square of that.
    ///
    /// Values that an image cannot show are clamped, overshoot of the filter included: the next scale begins
    /// with the image that this one would show.
    ///
    /// Both means are enlarged by a filter without negative weights. Otherwise a mean square could fall to zero where
    /// the mean does not, and the next step would be huge.
    pub fn new(optimization: &dyn OptimizationLoop, from: &Scale, to: &Scale, margin: u32) -> Result<Self> {
        let [from, to] = [from, to].map(|scale| (scale.width as usize, scale.height as usize));
        let margin = margin as usize;
        let enlarged = |planes: &[f32], filter| {
            let core = planes_without_margin(planes, from.into(), margin);
            planes_with_margin(&resample_planes(&core, from, to, filter), to.into(), margin)
        };
        let shrink = (from.0 * from.1) as f32 / (to.0 * to.1) as f32;
        let scaled = |planes: &[f32], factor: f32| {
            let mut mean = enlarged(planes, Filter::Linear);
            mean.iter_mut().for_each(|value| *value *= factor);
            mean
        };
        let moments = optimization.moments()?.map(|Moments { powers, mean, square }| Moments {
            // The average restarts at the image that the old one resulted in.
            powers: Powers { average: 1.0, ..powers },
            mean: scaled(&mean, shrink),
            square: scaled(&square, shrink * shrink),
        });
        let mut x = enlarged(&optimization.image()?, Filter::Lanczos);
        clamp_to_displayable(&mut x);
        Ok(Self { x, moments })
    }
}

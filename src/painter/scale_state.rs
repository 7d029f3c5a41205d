//! What one scale leaves to the next.

use super::optimization::Moments;
use super::{OptimizationLoop, Scale};
use crate::error::Result;
use crate::image_io::{Filter, resample_planes};
use crate::objective::clamp_to_displayable;

/// The picture of a scale and what its optimiser knows that holds at another size as well.
///
/// Adam's running means are fields over the picture like the picture itself. The pairs of L-BFGS are
/// not carried: their dot products belong to one size, and a history of them is soon refilled.
pub(super) struct ScaleState {
    /// The variable to start the next scale from.
    pub x: Vec<f32>,
    adam: Option<Moments>,
}

impl ScaleState {
    /// Reads and enlarges what `optimization` made at one scale for the other.
    ///
    /// Each term of the objective is a mean over positions, so a gradient shrinks as the number of
    /// pixels grows: its mean by the ratio of the two, its mean square by the square of that.
    ///
    /// What of the picture cannot be shown is cut off, overshoot of the filter as well: the next scale begins
    /// with what this one would show.
    ///
    /// Both means are enlarged by one filter without negative weights. Then no mean square falls to zero
    /// beside a mean that does not, which would be a leap of the picture.
    pub fn from(optimization: &OptimizationLoop, at: &Scale, next: &Scale) -> Result<Self> {
        let size = |scale: &Scale| (scale.width as usize, scale.height as usize);
        let (from, to) = (size(at), size(next));
        let enlarged = |planes: &[f32], filter| resample_planes(planes, from, to, filter);
        let shrink = (from.0 * from.1) as f32 / (to.0 * to.1) as f32;
        let moment = |planes: &[f32], factor: f32| {
            let mut moment = enlarged(planes, Filter::Linear);
            moment.iter_mut().for_each(|value| *value *= factor);
            moment
        };
        let adam = optimization.moments()?.map(|Moments { mut powers, mean, square }| {
            // The average begins anew, from the picture that the old one made.
            powers[2] = 1.0;
            Moments { powers, mean: moment(&mean, shrink), square: moment(&square, shrink * shrink) }
        });
        let mut x = enlarged(&optimization.image()?, Filter::Lanczos);
        clamp_to_displayable(&mut x);
        Ok(Self { x, adam })
    }

    /// Hands the optimiser's part over; the picture went in when `optimization` was made.
    pub fn give(&self, optimization: &mut OptimizationLoop) {
        self.adam.iter().for_each(|moments| optimization.set_moments(moments));
    }
}

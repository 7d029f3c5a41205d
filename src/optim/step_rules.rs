//! Constants of the optimisers, and the rules for the length of their steps. The kernels get them as parameters; the
//! optimisers on the host use them directly.

/// Adam: decay of the running mean of the gradient.
pub const BETA1: f32 = 0.9;
/// Adam: decay of the running mean of the gradient's square.
pub const BETA2: f32 = 0.999;
/// Adam: keeps the quotient of the two finite.
pub const EPSILON: f32 = 1e-8;
/// Decay of the running average of images, which covers about the last hundred.
pub const AVERAGE_DECAY: f32 = 0.99;

/// The guard: a loss of more than this factor times the lowest one counts as diverged. L-BFGS without a line search can
/// climb for a step or two and recovers: by up to a factor of 2 in the runs measured.
pub const DIVERGENCE_FACTOR: f32 = 10.0;

/// L-BFGS: the curvature s.y that a pair must exceed to be kept, as in PyTorch.
pub const LEAST_CURVATURE: f32 = 1e-10;

/// L-BFGS: bound on the length of a step, initially and at most, as the root mean square of its values in levels of
/// 0 to 255. A pair of little curvature produces a step of any length.
pub const LONGEST_STEP: f32 = 10.0;

/// L-BFGS: factor on that bound after a divergence.
pub const CUT_AFTER_DIVERGENCE: f32 = 0.25;

/// L-BFGS: factor on that bound after an improvement.
pub const GROWTH_AFTER_IMPROVEMENT: f32 = 2.0;

/// L-BFGS: factor on the step from one update to the next while the history is empty. The loss curves down around a
/// start from noise, no pair is kept there, and steps of the length of the gradient make no progress.
pub const GROWTH_WITHOUT_PAIRS: f32 = 4.0;

/// L-BFGS: length of the first step of `n` numbers, in the 1-norm. PyTorch uses 1. A level around 100 is rounded to
/// multiples of 8e-6 in f32, so a length of 1 spread over a large image is lost in rounding: it gets 3e-5 of a
/// level a number, which is 1 for an image of 100 x 100.
pub fn first_step(n: usize) -> f32 {
    (n as f32 / 32768.0).max(1.0)
}

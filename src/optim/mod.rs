//! The optimisers: Adam and L-BFGS, each with a divergence guard.
//!
//! On the device an update is one [`Recording`](crate::gpu::Recording): the [`Guard`] checks the loss that was just
//! computed, then Adam or L-BFGS takes its step. No value passes through the CPU, so an evaluation and its update are
//! one submission. [`HostOptimizer`] takes the same steps in the host's memory, for images that are evaluated in tiles.

mod adam;
mod guard;
mod host;
mod lbfgs;
mod method;
mod optimizer;
mod state;
mod step_rules;
mod suspect;

pub use adam::{Moments, Powers};
pub use guard::{Guard, GuardState};
pub use host::{HostOptimizer, Pairs};
pub use lbfgs::MOST_PAIRS;
pub use method::Method;
pub use optimizer::Optimizer;
pub use state::State;
pub use suspect::Suspect;

use crate::gpu::{Shader, Tensor};

/// Every kernel of the optimisers.
pub const SHADERS: [&[Shader]; 4] = [&guard::SHADERS, &adam::SHADERS, &lbfgs::SHADERS, &suspect::SHADERS];

/// What is minimised: tensors that an evaluation fills and an update reads.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The variable; updates change it.
    pub x: Tensor,
    /// d loss / dx, of the shape of `x`.
    pub gradient: Tensor,
    /// The loss: one number.
    pub loss: Tensor,
}

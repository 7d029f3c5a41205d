//! The divergence guard: keeps the best image, and restores it when the loss diverges.

use super::Problem;
use super::state::names;
use super::step_rules::DIVERGENCE_FACTOR;
use crate::error::Result;
use crate::gpu::{Gpu, Recording, Shader, Shape, Tensor, Use, shader};

pub(super) const SHADERS: [Shader; 2] = [JUDGE, KEEP];
const JUDGE: Shader = shader!("guard/judge");
const KEEP: Shader = shader!("guard/keep");

/// Checks the loss before every update: the image with the lowest loss is kept; a loss that is NaN, infinite or more than
/// ten times the lowest restores that image, and the optimiser restarts from it with empty state.
#[derive(Debug)]
pub struct Guard {
    state: Tensor,
    best: Tensor,
}

impl Guard {
    pub(super) fn record(update: &mut Recording, problem: &Problem) -> Result<Self> {
        let gpu = update.gpu().clone();
        let start = GuardState::START.to_array();
        let state = gpu.upload(Shape::planar(1, 1, 4), &start, Use::Optimizer, names::GUARD)?;
        let shape = problem.x.shape();
        let best = gpu.upload(shape, &vec![0.0; shape.len()], Use::Optimizer, "best image")?;
        let judge = gpu.kernel(&JUDGE, &[])?;
        update
            .launch(&judge, "guard")
            .bind("loss", &problem.loss)
            .bind("guard", &state)
            .set("divergence_factor", DIVERGENCE_FACTOR)
            .groups([1, 1, 1])?;
        let keep = gpu.kernel(&KEEP, &[])?;
        update
            .launch(&keep, "guard")
            .bind("guard", &state)
            .bind("x", &problem.x)
            .bind("best", &best)
            .elements(shape.vectors())?;
        Ok(Self { state, best })
    }

    /// A [`GuardState`], as four numbers.
    pub fn state(&self) -> &Tensor {
        &self.state
    }

    /// The state after everything submitted.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn read(&self, gpu: &Gpu) -> Result<GuardState> {
        let values = gpu.read(&self.state)?;
        Ok(GuardState::from_array([values[0], values[1], values[2], values[3]]))
    }

    /// The image with the lowest loss, of the shape of x. Zeros before the first update, and if no
    /// loss was ever finite.
    pub fn best(&self) -> &Tensor {
        &self.best
    }
}

/// Contents of the guard's state: `struct DivergenceGuard` in the shaders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuardState {
    /// The lowest loss so far; the largest f32 if none was finite.
    pub lowest: f32,
    /// True if the last loss was the lowest.
    pub improved: bool,
    /// True if the last loss had diverged.
    pub diverged: bool,
    /// Number of losses that diverged.
    pub restarts: u32,
}

impl GuardState {
    /// The state before the first loss.
    pub const START: Self = Self { lowest: f32::MAX, improved: false, diverged: false, restarts: 0 };

    /// Whether any loss was finite.
    pub fn has_best(&self) -> bool {
        self.lowest < f32::MAX
    }

    /// The state from the four numbers of the tensor.
    pub fn from_array([lowest, improved, diverged, restarts]: [f32; 4]) -> Self {
        Self { lowest, improved: improved > 0.0, diverged: diverged > 0.0, restarts: restarts as u32 }
    }

    fn to_array(self) -> [f32; 4] {
        let flag = |flag| f32::from(u8::from(flag));
        [self.lowest, flag(self.improved), flag(self.diverged), self.restarts as f32]
    }
}

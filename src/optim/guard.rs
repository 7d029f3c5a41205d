//! The guard: keeps the best picture, and brings it back when the loss runs away.

use super::Problem;
use crate::error::Result;
use crate::gpu::{Recording, Shader, Shape, Tensor, Use, shader};

pub(super) const SHADERS: [Shader; 2] = [JUDGE, KEEP];
const JUDGE: Shader = shader!("guard/judge");
const KEEP: Shader = shader!("guard/keep");

/// Watches the loss before every update: the best picture so far is kept, and a loss that is NaN,
/// infinite or grows beyond [`GROWTH`](Self::GROWTH) times the best brings that picture back and makes
/// the optimiser start afresh from it.
#[derive(Debug)]
pub struct Guard {
    state: Tensor,
    best: Tensor,
}

impl Guard {
    /// L-BFGS without a line search may climb for a step or two, and recovers: by up to a factor
    /// of 2 in runs looked at. Ten times the best loss is past recovering.
    pub const GROWTH: f32 = 10.0;

    pub(super) fn record(update: &mut Recording, problem: &Problem) -> Result<Self> {
        let gpu = update.gpu().clone();
        let state = gpu.upload(
            Shape::planar(1, 1, 4),
            &[f32::MAX, 0.0, 0.0, 0.0],
            Use::Optimizer,
            "state of the guard",
        )?;
        let shape = problem.x.shape();
        let best = gpu.upload(shape, &vec![0.0; shape.len()], Use::Optimizer, "best picture")?;
        let judge = gpu.kernel(&JUDGE, &[])?;
        update
            .launch(&judge, "guard")
            .bind("loss", &problem.loss)
            .bind("state", &state)
            .set("growth", Self::GROWTH)
            .groups([1, 1, 1])?;
        let keep = gpu.kernel(&KEEP, &[])?;
        update
            .launch(&keep, "guard")
            .bind("state", &state)
            .bind("x", &problem.x)
            .bind("best", &best)
            .elements(shape.vectors())?;
        Ok(Self { state, best })
    }

    /// Four numbers: the best loss; 1 if the last loss was it; 1 if the last loss had run away; how
    /// often one has.
    pub fn state(&self) -> &Tensor {
        &self.state
    }

    /// The picture with the best loss, of the shape of x. Zeros before the first update, and if no
    /// loss was ever finite.
    pub fn best(&self) -> &Tensor {
        &self.best
    }
}

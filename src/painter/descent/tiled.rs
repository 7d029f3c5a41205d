//! The loop for pictures larger than the device's memory: the objective in tiles, the optimiser on the host.

use super::{Moments, Step, no_picture};
use crate::error::Result;
use crate::objective::TiledObjective;
use crate::optim::{HostMemory, HostOptimizer, Method, Pairs, State};

/// An objective in tiles going downhill. Each evaluation is waited for: it is long, and the update needs all
/// of it.
#[derive(Debug)]
pub struct TiledDescent {
    objective: TiledObjective,
    optimizer: HostOptimizer,
    finished: usize,
}

impl TiledDescent {
    /// Prepares the optimisation of `start`, a variable of the objective's shape.
    ///
    /// # Errors
    /// As [`Method::check`].
    pub fn new(objective: TiledObjective, method: Method, start: &[f32], pairs: Pairs) -> Result<Self> {
        Ok(Self { objective, optimizer: HostOptimizer::new(method, start, pairs)?, finished: 0 })
    }

    /// The next evaluation and its update, while there are fewer than `limit`.
    pub(super) fn advance(&mut self, limit: usize) -> Result<Option<Step>> {
        if self.finished >= limit {
            return Ok(None);
        }
        let (losses, gradient) = self.objective.evaluate(self.optimizer.x())?;
        let restarts = self.optimizer.restarts();
        self.optimizer.update(losses.total as f32, gradient);
        let restarted = self.optimizer.restarts() > restarts;
        self.finished += 1;
        Ok(Some(Step { iteration: self.finished - 1, losses, restarted }))
    }

    pub(super) fn finished(&self) -> usize {
        self.finished
    }

    pub(super) fn picture(&self) -> Result<Vec<f32>> {
        let best = self.optimizer.best().ok_or_else(no_picture)?;
        let average = match self.optimizer.memory() {
            HostMemory::Adam(adam) => adam.average.as_deref(),
            HostMemory::Lbfgs(_) => None,
        };
        Ok(average.unwrap_or(best).to_vec())
    }

    pub(super) fn state(&self) -> State {
        self.optimizer.state()
    }

    pub(super) fn restore(&mut self, state: &State, finished: usize) -> bool {
        let restored = self.optimizer.restore(state);
        if restored {
            self.finished = finished;
        }
        restored
    }

    pub(super) fn restarts(&self) -> f32 {
        self.optimizer.restarts() as f32
    }

    pub(super) fn moments(&self) -> Option<Moments> {
        match self.optimizer.memory() {
            HostMemory::Lbfgs(_) => None,
            HostMemory::Adam(adam) => Some(Moments {
                powers: adam.powers.to_vec(),
                mean: adam.mean.clone(),
                square: adam.square.clone(),
            }),
        }
    }

    pub(super) fn set_moments(&mut self, moments: &Moments) {
        if let HostMemory::Adam(adam) = self.optimizer.memory_mut() {
            adam.powers.copy_from_slice(&moments.powers);
            adam.mean.copy_from_slice(&moments.mean);
            adam.square.copy_from_slice(&moments.square);
        }
    }
}

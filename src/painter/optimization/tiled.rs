//! The loop for pictures larger than the device's memory: the objective in tiles, the optimiser on the host.

use super::{DivergenceGuard, Moments, Step};
use crate::error::{Error, Result};
use crate::graph::NotFinite;
use crate::objective::TiledObjective;
use crate::optim::{HostMemory, HostOptimizer, Method, Pairs, State};

/// An objective in tiles going downhill. Each evaluation is waited for: it is long, and the update needs all
/// of it.
#[derive(Debug)]
pub struct TiledLoop {
    objective: TiledObjective,
    optimizer: HostOptimizer,
    finished: usize,
    divergence: DivergenceGuard,
    /// The last picture at which the loss ran away, where somebody wants to know why.
    suspect: Option<Vec<f32>>,
    watched: bool,
}

impl TiledLoop {
    /// Prepares the optimisation of `start`, a variable of the objective's shape.
    ///
    /// # Errors
    /// As [`Method::check`].
    pub fn new(objective: TiledObjective, method: Method, start: &[f32], pairs: Pairs) -> Result<Self> {
        let optimizer = HostOptimizer::new(method, start, pairs)?;
        Ok(Self {
            objective,
            optimizer,
            finished: 0,
            divergence: DivergenceGuard::default(),
            suspect: None,
            watched: false,
        })
    }

    /// The next evaluation and its update, while there are fewer than `limit`.
    pub(super) fn advance(&mut self, limit: usize) -> Result<Option<Step>> {
        if self.finished >= limit {
            return Ok(None);
        }
        let (losses, gradient) = self.objective.evaluate(self.optimizer.x())?;
        let loss = losses.total as f32;
        let restarted = self.optimizer.runs_away(loss);
        if restarted && self.watched {
            self.suspect = Some(self.optimizer.x().to_vec());
        }
        self.optimizer.update(loss, gradient);
        self.finished += 1;
        let step = Step { iteration: self.finished - 1, losses, restarted };
        self.divergence.observe(&step);
        Ok(Some(step))
    }

    pub(super) fn watch(&mut self) {
        self.watched = true;
    }

    pub(super) fn diagnose(&self) -> Result<Option<NotFinite>> {
        let Some(x) = &self.suspect else { return Ok(None) };
        let found = self.objective.first_not_finite(x)?;
        match self.optimizer.best().filter(|_| x.iter().any(|value| !value.is_finite())) {
            // A step from the best picture led there: its gradient may be the reason.
            Some(best) => Ok(self.objective.first_not_finite(best)?.or(found)),
            None => Ok(found),
        }
    }

    pub(super) fn gave_up(&self) -> bool {
        self.divergence.gave_up()
    }

    pub(super) fn finished(&self) -> usize {
        self.finished
    }

    pub(super) fn image(&self) -> Result<&[f32]> {
        let best = self.optimizer.best().ok_or(Error::NoFiniteLoss)?;
        let average = match self.optimizer.memory() {
            HostMemory::Adam(adam) => adam.average.as_deref(),
            HostMemory::Lbfgs(_) => None,
        };
        Ok(average.unwrap_or(best))
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

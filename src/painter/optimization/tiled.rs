//! The loop for images larger than the device's memory: the objective in tiles, the optimiser on the host.

use std::borrow::Cow;

use super::{DivergenceGuard, OptimizationLoop, Step};
use crate::error::{Error, Result};
use crate::graph::NotFinite;
use crate::objective::TiledObjective;
use crate::optim::{HostOptimizer, Method, Moments, Pairs, State};

/// Optimisation of an objective in tiles. Each evaluation finishes before its update, which needs the gradient of all
/// tiles.
#[derive(Debug)]
pub struct TiledLoop {
    objective: TiledObjective,
    optimizer: HostOptimizer,
    finished: usize,
    divergence: DivergenceGuard,
    keeps_diverged: bool,
    /// The last image whose loss diverged, if it is to be kept.
    diverged: Option<Vec<f32>>,
}

impl TiledLoop {
    /// Prepares the optimisation of `start`, a variable of the objective's shape.
    ///
    /// # Errors
    /// As [`Method::check`].
    pub fn new(objective: TiledObjective, method: Method, start: &[f32], pairs: Pairs) -> Result<Self> {
        let optimizer = HostOptimizer::new(method, objective.shape(), start, pairs)?;
        Ok(Self {
            objective,
            optimizer,
            finished: 0,
            divergence: DivergenceGuard::default(),
            keeps_diverged: false,
            diverged: None,
        })
    }
}

impl OptimizationLoop for TiledLoop {
    fn advance(&mut self, limit: usize) -> Result<Option<Step>> {
        if self.finished >= limit {
            return Ok(None);
        }
        let (losses, gradient) = self.objective.evaluate(self.optimizer.x())?;
        let loss = losses.total as f32;
        let restarted = self.optimizer.diverges(loss);
        if restarted && self.keeps_diverged {
            self.diverged = Some(self.optimizer.x().to_vec());
        }
        self.optimizer.update(loss, gradient);
        self.finished += 1;
        let step = Step { iteration: self.finished - 1, losses, restarted };
        self.divergence.observe(&step);
        Ok(Some(step))
    }

    fn finished(&self) -> usize {
        self.finished
    }

    fn is_idle(&self) -> bool {
        true
    }

    fn gave_up(&self) -> bool {
        self.divergence.gave_up()
    }

    fn image(&self) -> Result<Cow<'_, [f32]>> {
        if self.finished == 0 {
            // The device may be lost in the first evaluation: the result of the scale before is not.
            return Ok(self.optimizer.x().into());
        }
        let best = self.optimizer.best().ok_or(Error::NoFiniteLoss)?;
        Ok(self.optimizer.average().unwrap_or(best).into())
    }

    fn is_on_the_device(&self) -> bool {
        false
    }

    fn keep_diverged(&mut self) -> Result<()> {
        self.keeps_diverged = true;
        Ok(())
    }

    fn diagnose(&self) -> Result<Option<NotFinite>> {
        let Some(x) = &self.diverged else { return Ok(None) };
        let found = self.objective.first_not_finite(x)?;
        match self.optimizer.best().filter(|_| x.iter().any(|value| !value.is_finite())) {
            // The step that led there started at the best image: its gradient may be the cause.
            Some(best) => Ok(self.objective.first_not_finite(best)?.or(found)),
            None => Ok(found),
        }
    }

    fn state(&self) -> Result<State> {
        Ok(self.optimizer.state())
    }

    fn restarts(&self) -> u32 {
        self.optimizer.restarts()
    }

    fn restore(&mut self, state: &State, finished: usize, _restarts: u32) -> bool {
        let restored = self.optimizer.restore(state);
        if restored {
            self.finished = finished;
        }
        restored
    }

    fn moments(&self) -> Result<Option<Moments>> {
        Ok(self.optimizer.moments().cloned())
    }

    fn set_moments(&mut self, moments: &Moments) {
        self.optimizer.set_moments(moments);
    }
}

//! The loop at one size: evaluate, update, report.

use std::collections::VecDeque;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Readback, Tensor, Timing};
use crate::objective::{Losses, Objective};
use crate::optim::{Method, Optimizer, Problem};

/// Submits in flight: enough that the device always has the next one, few enough that a stop comes
/// soon.
pub(super) const DEPTH: usize = 3;

/// One finished evaluation at one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which, from 0.
    pub iteration: usize,
    /// At the picture before this evaluation's update.
    pub losses: Losses,
    /// True if the loss had run away, so that the best picture was taken up again.
    pub restarted: bool,
}

/// An objective going downhill.
///
/// Evaluations and updates are submitted ahead of the numbers that come back, so that neither the
/// device nor the caller waits for the other.
#[derive(Debug)]
pub struct Descent {
    gpu: Gpu,
    objective: Objective,
    optimizer: Optimizer,
    readback: Readback,
    submitted: usize,
    finished: usize,
    restarts: f32,
    time_every: Option<usize>,
    timings: Vec<Vec<Timing>>,
}

impl Descent {
    /// Prepares the optimisation of `start`, a variable of the objective's shape.
    ///
    /// # Errors
    /// [`Error::Usage`] for settings of the method that cannot work;
    /// [`Error::Gpu`] or [`Error::TooLarge`] when memory runs out.
    pub fn new(gpu: &Gpu, objective: Objective, method: Method, start: &[f32]) -> Result<Self> {
        gpu.write(objective.x(), start);
        let problem = Problem {
            x: objective.x().clone(),
            gradient: objective.gradient().clone(),
            loss: objective.total().clone(),
        };
        let optimizer = Optimizer::new(gpu, method, &problem)?;
        let mut reported: Vec<&Tensor> = objective.terms();
        reported.push(optimizer.guard().state());
        let readback = Readback::new(gpu, &reported, DEPTH)?;
        Ok(Self {
            gpu: gpu.clone(),
            objective,
            optimizer,
            readback,
            submitted: 0,
            finished: 0,
            restarts: 0.0,
            time_every: None,
            timings: vec![],
        })
    }

    /// Times every command of each `n`-th evaluation and its update from now on. Such a step waits for
    /// the device.
    pub fn time_every(&mut self, n: usize) {
        self.time_every = Some(n.max(1));
    }

    /// The commands of the evaluations that were timed.
    pub fn timings(&self) -> &[Vec<Timing>] {
        &self.timings
    }

    /// The next evaluation, once it is finished; `None` if all of the first `limit` are. No more than
    /// those are submitted, so that at the limit the picture is what they made of it.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn advance(&mut self, limit: usize) -> Result<Option<Step>> {
        while self.submitted < limit && self.submitted - self.finished < DEPTH {
            let program = self.objective.program();
            let step = [&program.forward, &program.backward, &self.optimizer.update];
            self.submitted += 1;
            if self.time_every.is_some_and(|n| self.submitted.is_multiple_of(n)) {
                self.timings.push(self.gpu.timed(&step)?);
                self.readback.submit(&[])?;
            } else {
                self.readback.submit(&step)?;
            }
        }
        let numbers = self.readback.receive()?;
        Ok(numbers.map(|numbers| self.report(&numbers)))
    }

    /// Evaluations that are finished.
    pub fn finished(&self) -> usize {
        self.finished
    }

    /// The optimiser at work.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// The variable as it is to be shown: the average where one is kept, else the one with the lowest
    /// loss so far. Waits for everything submitted.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed, or if no loss was finite, so that there is no picture.
    pub fn picture(&self) -> Result<Vec<f32>> {
        let guard = self.optimizer.guard();
        if self.gpu.read(guard.state())?[0] == f32::MAX {
            let message = "the loss was never a finite number: lower the weights or --lr";
            return Err(Error::gpu("painting", message));
        }
        let average = self.optimizer.adam().and_then(|adam| adam.average.as_ref());
        self.gpu.read(average.unwrap_or(guard.best()))
    }

    /// True if nothing is in flight: the state is that after the last finished evaluation.
    pub fn at_rest(&self) -> bool {
        self.submitted == self.finished
    }

    /// Every tensor that decides how it goes on: the variable, the guard's and the method's.
    pub(super) fn state(&self) -> Vec<&Tensor> {
        let guard = self.optimizer.guard();
        let mut state = vec![self.objective.x(), guard.state(), guard.best()];
        state.extend(self.optimizer.memory());
        state
    }

    /// Goes on where another stood at rest after so many evaluations; [`state`](Self::state) is the
    /// caller's to write.
    pub(super) fn stand_at(&mut self, finished: usize, restarts: f32) {
        (self.submitted, self.finished, self.restarts) = (finished, finished, restarts);
    }

    /// How often the loss has run away.
    pub(super) fn restarts(&self) -> f32 {
        self.restarts
    }

    /// Each term and the state of the guard came back as one `vec4`.
    fn report(&mut self, numbers: &[f32]) -> Step {
        let mut vectors: VecDeque<&[f32]> = numbers.chunks_exact(4).collect();
        let restarts = vectors.pop_back().map_or(0.0, |guard| guard[3]);
        let terms: Vec<f32> = vectors.iter().map(|vector| vector[0]).collect();
        let step = Step {
            iteration: self.finished,
            losses: self.objective.losses(&terms),
            restarted: restarts > self.restarts,
        };
        self.restarts = restarts;
        self.finished += 1;
        step
    }
}

//! The loop on the device: evaluation and update are one submit.

use std::collections::VecDeque;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Readback, Tensor, Timing};
use crate::graph::NotFinite;
use crate::objective::Objective;
use crate::optim::{Method, Optimizer, Problem, State, Suspect};

use super::{DivergenceGuard, Moments, Step};

/// Submits in flight: enough that the device always has the next one, few enough that a stop comes
/// soon.
pub(in crate::painter) const DEPTH: usize = 3;

/// An objective going downhill on the device alone.
///
/// Evaluations and updates are submitted ahead of the numbers that come back, so that neither the
/// device nor the caller waits for the other.
#[derive(Debug)]
pub struct WholeImageLoop {
    gpu: Gpu,
    objective: Objective,
    optimizer: Optimizer,
    readback: Readback,
    submitted: usize,
    finished: usize,
    restarts: f32,
    divergence: DivergenceGuard,
    /// Where somebody wants to know why it runs away.
    suspect: Option<Suspect>,
    time_every: Option<usize>,
    timings: Vec<Vec<Timing>>,
}

impl WholeImageLoop {
    /// Prepares the optimisation of `start`, a variable of the objective's shape.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) for settings of the method that cannot work;
    /// [`Error::Gpu`](crate::Error::Gpu) or [`Error::TooLarge`](crate::Error::TooLarge) when memory runs out.
    pub fn new(gpu: &Gpu, objective: Objective, method: Method, start: &[f32]) -> Result<Self> {
        gpu.write(objective.x(), start);
        let optimizer = Optimizer::new(gpu, method, &problem(&objective))?;
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
            divergence: DivergenceGuard::default(),
            suspect: None,
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
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn advance(&mut self, limit: usize) -> Result<Option<Step>> {
        while self.submitted < limit && self.submitted - self.finished < DEPTH {
            let program = self.objective.program();
            let mut step = vec![&program.forward, &program.backward];
            step.extend(self.suspect.iter().map(|suspect| &suspect.recording));
            step.push(&self.optimizer.update);
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

    /// From now on keeps the picture at which the loss runs away, for [`diagnose`](Self::diagnose).
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) or [`Error::TooLarge`](crate::Error::TooLarge) when memory runs out.
    pub fn watch(&mut self) -> Result<()> {
        let (problem, guard) = (problem(&self.objective), self.optimizer.guard());
        self.suspect = Some(Suspect::new(&self.gpu, &problem, guard)?);
        Ok(())
    }

    /// Where the numbers first stop being finite in the last evaluation that had run away; `None` if they do
    /// not, so that the step was just too long. Evaluates again, operation by operation, and leaves
    /// everything that decides how it goes on as it was. [`watch`](Self::watch) comes first.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn diagnose(&self) -> Result<Option<NotFinite>> {
        let Some(suspect) = &self.suspect else { return Ok(None) };
        let (gpu, x) = (&self.gpu, self.objective.x());
        let before = gpu.read(x)?;
        let mut found = self.first_not_finite_at(&gpu.read(suspect.x())?)?;
        if found.as_ref().is_some_and(|found| found.label == Objective::VARIABLE) {
            // A step from the best picture led there: its gradient may be the reason.
            let cause = self.first_not_finite_at(&gpu.read(self.optimizer.guard().best())?)?;
            found = cause.or(found);
        }
        gpu.write(x, &before);
        Ok(found)
    }

    fn first_not_finite_at(&self, x: &[f32]) -> Result<Option<NotFinite>> {
        self.gpu.write(self.objective.x(), x);
        self.objective.program().first_not_finite(&self.gpu)
    }

    /// True if the loss keeps running away and never falls: more evaluations would change nothing.
    pub fn gave_up(&self) -> bool {
        self.divergence.gave_up()
    }

    /// Evaluations that are finished.
    pub fn finished(&self) -> usize {
        self.finished
    }

    /// The variable as it is to be shown: the average where one is kept, else the one with the lowest
    /// loss so far. Waits for everything submitted.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed, or if no loss was finite, so that there is no picture.
    pub fn image(&self) -> Result<Vec<f32>> {
        let guard = self.optimizer.guard();
        if self.gpu.read(guard.state())?[0] == f32::MAX {
            return Err(Error::NoFiniteLoss);
        }
        let average = self.optimizer.adam().and_then(|adam| adam.average.as_ref());
        self.gpu.read(average.unwrap_or(guard.best()))
    }

    /// True if nothing is in flight: the state is that after the last finished evaluation.
    pub fn at_rest(&self) -> bool {
        self.submitted == self.finished
    }

    /// Every tensor that decides how it goes on: the variable, the guard's and the method's.
    fn tensors(&self) -> Vec<&Tensor> {
        let guard = self.optimizer.guard();
        let mut state = vec![self.objective.x(), guard.state(), guard.best()];
        state.extend(self.optimizer.memory());
        state
    }

    /// What these tensors hold.
    pub(super) fn state(&self) -> Result<State> {
        let read = |tensor: &Tensor| Ok((tensor.label().to_string(), self.gpu.read(tensor)?));
        self.tensors().into_iter().map(read).collect()
    }

    /// Goes on where another stood at rest after so many evaluations. False, and nothing changed, if that
    /// had other tensors.
    pub(super) fn restore(&mut self, state: &State, finished: usize, restarts: f32) -> bool {
        let tensors = self.tensors();
        let alike = tensors.len() == state.len()
            && tensors.iter().zip(state).all(|(tensor, (label, values))| {
                tensor.label() == label && tensor.shape().len() == values.len()
            });
        if alike {
            tensors.iter().zip(state).for_each(|(tensor, (_, values))| self.gpu.write(tensor, values));
            (self.submitted, self.finished, self.restarts) = (finished, finished, restarts);
        }
        alike
    }

    /// Adam's running means, if Adam is at work.
    pub(super) fn moments(&self) -> Result<Option<Moments>> {
        let Some(adam) = self.optimizer.adam() else { return Ok(None) };
        let [powers, mean, square] = [&adam.powers, &adam.mean, &adam.square].map(|t| self.gpu.read(t));
        Ok(Some(Moments { powers: powers?, mean: mean?, square: square? }))
    }

    /// Overwrites them.
    pub(super) fn set_moments(&mut self, moments: &Moments) {
        let Some(adam) = self.optimizer.adam() else { return };
        self.gpu.write(&adam.powers, &moments.powers);
        self.gpu.write(&adam.mean, &moments.mean);
        self.gpu.write(&adam.square, &moments.square);
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
        self.divergence.observe(&step);
        self.restarts = restarts;
        self.finished += 1;
        step
    }
}

/// What an optimiser sees of an objective.
fn problem(objective: &Objective) -> Problem {
    Problem {
        x: objective.x().clone(),
        gradient: objective.gradient().clone(),
        loss: objective.total().clone(),
    }
}

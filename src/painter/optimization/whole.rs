//! The loop on the device: an evaluation and its update are one submission.

use std::borrow::Cow;

use super::{DivergenceGuard, OptimizationLoop, Step};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Readback, Tensor, Timing};
use crate::graph::NotFinite;
use crate::objective::Objective;
use crate::optim::{GuardState, Method, Moments, Optimizer, Problem, State, Suspect};

/// Submissions in flight: enough that the device always has the next one, few enough that a stop takes effect soon.
pub(in crate::painter) const DEPTH: usize = 3;

/// Optimisation of an objective on the device alone.
///
/// Evaluations and updates are submitted before the losses of earlier ones are read, so that neither the device nor
/// the caller waits for the other.
#[derive(Debug)]
pub struct WholeImageLoop {
    gpu: Gpu,
    objective: Objective,
    optimizer: Optimizer,
    readback: Readback,
    submitted: usize,
    finished: usize,
    restarts: u32,
    divergence: DivergenceGuard,
    /// Copy of the image whose loss diverged last, if it is to be kept.
    suspect: Option<Suspect>,
    time_every: Option<usize>,
    timings: Vec<Vec<Timing>>,
}

impl WholeImageLoop {
    /// Prepares the optimisation of `start`, a variable of the objective's shape.
    ///
    /// # Errors
    /// [`Error::Setting`] for settings of the method that cannot work; [`Error::Gpu`] or [`Error::TooLarge`] when
    /// memory runs out.
    pub fn new(gpu: &Gpu, objective: Objective, method: Method, start: &[f32]) -> Result<Self> {
        gpu.write(objective.x(), start);
        let optimizer = Optimizer::new(gpu, method, &problem(&objective))?;
        let mut reported: Vec<&Tensor> = vec![optimizer.guard().state()];
        reported.extend(objective.terms().map(|(_, tensor)| tensor));
        let readback = Readback::new(gpu, &reported, DEPTH)?;
        Ok(Self {
            gpu: gpu.clone(),
            objective,
            optimizer,
            readback,
            submitted: 0,
            finished: 0,
            restarts: 0,
            divergence: DivergenceGuard::default(),
            suspect: None,
            time_every: None,
            timings: vec![],
        })
    }

    fn submit_next(&mut self) -> Result<()> {
        let program = self.objective.program();
        let mut step = vec![&program.forward, &program.backward];
        step.extend(self.suspect.iter().map(|suspect| &suspect.recording));
        step.push(&self.optimizer.update);
        self.submitted += 1;
        if self.time_every.is_some_and(|n| self.submitted.is_multiple_of(n)) {
            self.timings.push(self.gpu.timed(&step)?);
            return self.readback.submit(&[]);
        }
        self.readback.submit(&step)
    }

    /// The step from the guard's state and the loss terms. Each tensor is read back as one `vec4`.
    fn report(&mut self, numbers: &[f32]) -> Step {
        let (vectors, _) = numbers.as_chunks::<4>();
        let (guard, values) = vectors.split_first().unwrap_or((&[f32::NAN; 4], &[]));
        let guard = GuardState::from_array(*guard);
        let terms = self.objective.terms().zip(values).map(|((term, _), value)| (term, value[0]));
        let step = Step {
            iteration: self.finished,
            losses: self.objective.losses(terms),
            restarted: guard.restarts > self.restarts,
        };
        self.divergence.observe(&step);
        self.restarts = guard.restarts;
        self.finished += 1;
        step
    }

    fn first_not_finite_at(&self, x: &[f32]) -> Result<Option<NotFinite>> {
        self.gpu.write(self.objective.x(), x);
        self.objective.program().first_not_finite(&self.gpu)
    }
}

impl OptimizationLoop for WholeImageLoop {
    fn advance(&mut self, limit: usize) -> Result<Option<Step>> {
        while self.submitted < limit && self.submitted - self.finished < DEPTH {
            self.submit_next()?;
        }
        let numbers = self.readback.receive()?;
        Ok(numbers.map(|numbers| self.report(&numbers)))
    }

    fn finished(&self) -> usize {
        self.finished
    }

    fn is_idle(&self) -> bool {
        self.submitted == self.finished
    }

    fn gave_up(&self) -> bool {
        self.divergence.gave_up()
    }

    fn image(&self) -> Result<Cow<'_, [f32]>> {
        let guard = self.optimizer.guard();
        if !guard.read(&self.gpu)?.has_best() {
            return Err(Error::NoFiniteLoss);
        }
        self.gpu.read(self.optimizer.average().unwrap_or(guard.best())).map(Cow::Owned)
    }

    fn is_on_the_device(&self) -> bool {
        true
    }

    fn keep_diverged(&mut self) -> Result<()> {
        let (problem, guard) = (problem(&self.objective), self.optimizer.guard());
        self.suspect = Some(Suspect::new(&self.gpu, &problem, guard)?);
        Ok(())
    }

    fn diagnose(&self) -> Result<Option<NotFinite>> {
        let Some(suspect) = &self.suspect else { return Ok(None) };
        let (gpu, x) = (&self.gpu, self.objective.x());
        let before = gpu.read(x)?;
        let mut found = self.first_not_finite_at(&gpu.read(suspect.x())?)?;
        if found.as_ref().is_some_and(|found| found.label == Objective::VARIABLE) {
            // The step that led there started at the best image: its gradient may be the cause.
            let cause = self.first_not_finite_at(&gpu.read(self.optimizer.guard().best())?)?;
            found = cause.or(found);
        }
        gpu.write(x, &before);
        Ok(found)
    }

    fn time_every(&mut self, n: usize) {
        self.time_every = Some(n.max(1));
    }

    fn timings(&self) -> &[Vec<Timing>] {
        &self.timings
    }

    fn state(&self) -> Result<State> {
        self.optimizer.state(&self.gpu)
    }

    fn restarts(&self) -> u32 {
        self.restarts
    }

    fn restore(&mut self, state: &State, finished: usize, restarts: u32) -> bool {
        let restored = self.optimizer.restore(&self.gpu, state);
        if restored {
            (self.submitted, self.finished, self.restarts) = (finished, finished, restarts);
        }
        restored
    }

    fn moments(&self) -> Result<Option<Moments>> {
        self.optimizer.moments(&self.gpu)
    }

    fn set_moments(&mut self, moments: &Moments) {
        self.optimizer.set_moments(&self.gpu, moments);
    }
}

/// The tensors of an objective that an optimiser works on.
fn problem(objective: &Objective) -> Problem {
    Problem {
        x: objective.x().clone(),
        gradient: objective.gradient().clone(),
        loss: objective.total().clone(),
    }
}

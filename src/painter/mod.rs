//! The loop: evaluate, update, report, until the picture is done.

mod start;

pub use start::Start;

use std::collections::VecDeque;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Readback, Tensor, Timing};
use crate::image_io::Image;
use crate::objective::{Losses, Objective, to_image};
use crate::optim::{Method, Optimizer, Problem};

/// Submits in flight: enough that the device always has the next one, few enough that a stop comes
/// soon.
const DEPTH: usize = 3;

/// How a painting goes about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The optimiser.
    pub method: Method,
    /// Evaluations of the objective.
    pub iterations: usize,
    /// After every so many evaluations [`Painter::picture`] is to be what it was just then, so the
    /// painter does not run ahead of them.
    pub pause_every: Option<usize>,
}

/// One finished evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Which, from 0.
    pub iteration: usize,
    /// Since the painter was made.
    pub seconds: f64,
    /// At the picture before this evaluation's update.
    pub losses: Losses,
    /// True if the loss had run away, so that the best picture was taken up again.
    pub restarted: bool,
}

/// A painting in progress.
///
/// Evaluations and updates are submitted ahead of the numbers that come back, so that neither the
/// device nor the caller waits for the other.
#[derive(Debug)]
pub struct Painter {
    gpu: Gpu,
    objective: Objective,
    optimizer: Optimizer,
    readback: Readback,
    plan: Plan,
    submitted: usize,
    finished: usize,
    restarts: f32,
    started: Instant,
    time_every: Option<usize>,
    timings: Vec<Vec<Timing>>,
}

impl Painter {
    /// Prepares the optimisation of `start`, a variable as [`Start`] makes them.
    ///
    /// # Errors
    /// [`Error::Usage`] for settings of the method that cannot work;
    /// [`Error::Gpu`] or [`Error::TooLarge`] when memory
    /// runs out.
    pub fn new(gpu: &Gpu, objective: Objective, plan: Plan, start: &[f32]) -> Result<Self> {
        gpu.write(objective.x(), start);
        let problem = Problem {
            x: objective.x().clone(),
            gradient: objective.gradient().clone(),
            loss: objective.total().clone(),
        };
        let optimizer = Optimizer::new(gpu, plan.method, &problem)?;
        let mut reported: Vec<&Tensor> = objective.terms();
        reported.push(optimizer.guard().state());
        let readback = Readback::new(gpu, &reported, DEPTH)?;
        Ok(Self {
            gpu: gpu.clone(),
            objective,
            optimizer,
            readback,
            plan,
            submitted: 0,
            finished: 0,
            restarts: 0.0,
            started: Instant::now(),
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

    /// The next evaluation, once it is finished; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn advance(&mut self) -> Result<Option<Evaluation>> {
        if self.finished == self.plan.iterations {
            return Ok(None);
        }
        while self.submitted < self.horizon() && self.submitted - self.finished < DEPTH {
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

    /// The picture with the lowest loss so far. Waits for everything submitted.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed, or if no loss was finite, so that there
    /// is no picture.
    pub fn picture(&self) -> Result<Image> {
        let guard = self.optimizer.guard();
        if self.gpu.read(guard.state())?[0] == f32::MAX {
            let message = "the loss was never a finite number: lower the weights or --lr";
            return Err(Error::gpu("painting", message));
        }
        let shape = guard.best().shape();
        to_image(&self.gpu.read(guard.best())?, shape.width, shape.height)
    }

    /// How many evaluations may be submitted for now.
    fn horizon(&self) -> usize {
        let next_pause = self.plan.pause_every.map(|every| (self.finished / every + 1) * every);
        next_pause.unwrap_or(usize::MAX).min(self.plan.iterations)
    }

    /// Each term and the state of the guard came back as one `vec4`.
    fn report(&mut self, numbers: &[f32]) -> Evaluation {
        let mut vectors: VecDeque<&[f32]> = numbers.chunks_exact(4).collect();
        let restarts = vectors.pop_back().map_or(0.0, |guard| guard[3]);
        let terms: Vec<f32> = vectors.iter().map(|vector| vector[0]).collect();
        let evaluation = Evaluation {
            iteration: self.finished,
            seconds: self.started.elapsed().as_secs_f64(),
            losses: self.objective.losses(&terms),
            restarted: restarts > self.restarts,
        };
        self.restarts = restarts;
        self.finished += 1;
        evaluation
    }
}

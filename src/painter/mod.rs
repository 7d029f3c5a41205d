//! Painting: a [`OptimizationLoop`] at each scale of a [`Schedule`], the picture carried from one to the next.

mod checkpoint;
mod early_stopping;
mod finish;
mod initial_image;
mod inputs;
mod optimization;
mod plan;
mod scale_state;
mod schedule;

pub use checkpoint::{Checkpoint, fingerprint};
pub use early_stopping::EarlyStopping;
pub use finish::Finish;
pub use initial_image::{InitialImage, Start};
pub use inputs::PaintingInputs;
pub use optimization::{OptimizationLoop, Step, TiledLoop, WholeImageLoop};
pub use plan::Plan;
pub use schedule::{Iterations, Scale, Scales, Schedule};

use std::sync::Arc;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Timing};
use crate::graph::{Activations, NotFinite};
use crate::image_io::Image;
use crate::objective::{Losses, Objective, Scene, StyleCache, Targets, TiledObjective, to_image};
use crate::optim::Method;
use crate::planner::{Budget, Choice, Strategy};
use crate::vgg19::{LayerId, Network};
use scale_state::ScaleState;

/// One finished evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Which, from 0, all scales counted.
    pub iteration: usize,
    /// At which scale, from 0.
    pub scale: usize,
    /// Since the painter was made, with the time before a checkpoint that it went on from.
    pub seconds: f64,
    /// At the picture before this evaluation's update.
    pub losses: Losses,
    /// True if the loss had run away, so that the best picture was taken up again.
    pub restarted: bool,
}

/// A painting in progress.
#[derive(Debug)]
pub struct Painter {
    gpu: Gpu,
    network: Arc<Network>,
    memory: StyleCache,
    inputs: PaintingInputs,
    plan: Plan,
    scale: usize,
    /// Evaluations at the scales before this one.
    before: usize,
    early_stopping: EarlyStopping,
    /// How each scale is worked on.
    choices: Vec<Choice>,
    /// What the user should know: see [`take_notes`](Self::take_notes).
    notes: Vec<String>,
    /// The work at this scale; `None` only if the next could not be made.
    optimization: Option<OptimizationLoop>,
    /// Submits nothing more for now.
    held: bool,
    started: Instant,
    time_every: Option<usize>,
    watched: bool,
    /// Seconds of work before this painter was made, if it goes on from a checkpoint.
    seconds_before: f64,
}

impl Painter {
    /// Prepares a painting that starts from `start`, a variable of the first scale's size.
    ///
    /// # Errors
    /// [`Error::Usage`] for settings that cannot work;
    /// [`Error::Gpu`] or [`Error::TooLarge`] when memory
    /// runs out.
    pub fn new(
        gpu: &Gpu,
        network: &Arc<Network>,
        inputs: PaintingInputs,
        plan: Plan,
        start: &[f32],
    ) -> Result<Self> {
        Self::remembering(gpu, network, inputs, plan, start, &StyleCache::none())
    }

    /// The same, without a second look at styles that the network saw in an earlier painting.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn remembering(
        gpu: &Gpu,
        network: &Arc<Network>,
        inputs: PaintingInputs,
        plan: Plan,
        start: &[f32],
        memory: &StyleCache,
    ) -> Result<Self> {
        let mut painter = Self::at_rest(gpu, network, inputs, plan, memory)?;
        painter.optimization = Some(painter.next_loop(start)?);
        Ok(painter)
    }

    /// A painter that has not begun, its plans made for every scale.
    fn at_rest(
        gpu: &Gpu,
        network: &Arc<Network>,
        inputs: PaintingInputs,
        plan: Plan,
        memory: &StyleCache,
    ) -> Result<Self> {
        let choices = plan.choices(gpu, network, &inputs)?;
        Ok(Self {
            gpu: gpu.clone(),
            network: network.clone(),
            memory: memory.clone(),
            inputs,
            scale: 0,
            before: 0,
            early_stopping: EarlyStopping::new(plan.until),
            plan,
            choices,
            notes: vec![],
            optimization: None,
            held: false,
            started: Instant::now(),
            time_every: None,
            watched: false,
            seconds_before: 0.0,
        })
    }

    /// Times every command of each `n`-th evaluation and its update, of this scale and those to come.
    /// Such a step waits for the device.
    pub fn time_every(&mut self, n: usize) {
        self.time_every = Some(n);
        self.optimization.iter_mut().for_each(|optimization| optimization.time_every(n));
    }

    /// From now on keeps the picture at which the loss runs away, for [`diagnose`](Self::diagnose).
    ///
    /// # Errors
    /// [`Error::Gpu`] or [`Error::TooLarge`] when memory runs out.
    pub fn watch(&mut self) -> Result<()> {
        self.watched = true;
        self.optimization.iter_mut().try_for_each(OptimizationLoop::watch)
    }

    /// See [`OptimizationLoop::diagnose`].
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn diagnose(&self) -> Result<Option<NotFinite>> {
        self.optimization.as_ref().map_or(Ok(None), OptimizationLoop::diagnose)
    }

    /// True if the present scale was ended because the loss kept running away and never fell.
    pub fn gave_up(&self) -> bool {
        self.optimization.as_ref().is_some_and(OptimizationLoop::gave_up)
    }

    /// The commands of the present scale's evaluations that were timed.
    pub fn timings(&self) -> &[Vec<Timing>] {
        self.optimization.as_ref().map_or(&[], OptimizationLoop::timings)
    }

    /// Goes on from a checkpoint of a painting of the same subject and plan.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Usage`] if the checkpoint is of another
    /// subject or plan.
    pub fn resume(
        gpu: &Gpu,
        network: &Arc<Network>,
        inputs: PaintingInputs,
        plan: Plan,
        checkpoint: &Checkpoint,
    ) -> Result<Self> {
        let scale = *checkpoint.scale_of(&plan.schedule)?;
        let mut painter = Self::at_rest(gpu, network, inputs, plan, &StyleCache::none())?;
        (painter.scale, painter.before) = (checkpoint.scale, checkpoint.before);
        (painter.early_stopping, painter.seconds_before) =
            (checkpoint.early_stopping.clone(), checkpoint.seconds);
        let mut optimization =
            painter.next_loop(&vec![0.0; scale.width as usize * scale.height as usize * 3])?;
        checkpoint.write_to(&mut optimization)?;
        painter.optimization = Some(optimization);
        Ok(painter)
    }

    /// From now on only what is in flight is finished: [`advance`](Self::advance) gives those evaluations
    /// and then `None`, and the painter is at rest.
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// All that it takes to go on from here. The painter must be at rest: after a pause of the plan,
    /// after [`hold`](Self::hold), or at the end.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed, or if evaluations are in flight.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        match self.optimization.as_ref().filter(|optimization| optimization.at_rest()) {
            Some(optimization) => Checkpoint::of(self, optimization),
            None => Err(crate::Error::gpu("a checkpoint", "evaluations are in flight")),
        }
    }

    /// The next evaluation, once it is finished; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed; as [`new`](Self::new) where the next
    /// scale begins.
    pub fn advance(&mut self) -> Result<Option<Evaluation>> {
        loop {
            let Some(optimization) = &mut self.optimization else { return Ok(None) };
            let horizon = self.plan.horizon(self.before + optimization.finished()) - self.before;
            let iterations = self.plan.schedule.scales()[self.scale].iterations;
            let limit = if self.held || optimization.gave_up() {
                0
            } else {
                horizon.min(iterations).min(self.early_stopping.limit())
            };
            if let Some(step) = optimization.advance(limit)? {
                return Ok(Some(self.report(step)));
            }
            if self.held || self.scale + 1 == self.plan.schedule.scales().len() {
                return Ok(None);
            }
            self.climb()?;
        }
    }

    /// The picture so far at the present scale, finished: the one with the lowest loss, or the average
    /// where one is kept. Waits for everything submitted.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed, or if no loss was finite, so that there
    /// is no picture.
    pub fn image(&self) -> Result<Image> {
        let Some(optimization) = &self.optimization else {
            return Err(crate::Error::gpu("painting", "the work was given up after a failure"));
        };
        let scale = &self.plan.schedule.scales()[self.scale];
        let image = to_image(&optimization.image()?, scale.width, scale.height)?;
        self.plan.finish.apply(image, &self.inputs.content)
    }

    /// The scales it goes through.
    pub fn schedule(&self) -> &Schedule {
        &self.plan.schedule
    }

    /// The deepest layer that it looks at.
    pub fn deepest(&self) -> LayerId {
        self.plan.settings.deepest()
    }

    /// How each scale is worked on.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// True if the picture is lost with the device; in tiles it is in the host's memory.
    pub fn is_on_the_device(&self) -> bool {
        matches!(self.optimization, Some(OptimizationLoop::Whole(_)))
    }

    /// What has happened that the user should know, and was not told yet.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// The work at the present scale. Where the device has less memory than it seemed, in smaller pieces.
    fn next_loop(&mut self, start: &[f32]) -> Result<OptimizationLoop> {
        let optimization = loop {
            match self.try_next_loop(start) {
                Err(error @ Error::OutOfMemory { .. }) => self.step_down(error)?,
                Err(error) => return Err(error),
                Ok(optimization) => break optimization,
            }
        };
        if self.scale + 1 == self.plan.schedule.scales().len() {
            // Nothing looks at them again.
            self.inputs.styles.clear();
        }
        Ok(optimization)
    }

    /// Plans the present scale and those to come for less memory than what was just refused.
    fn step_down(&mut self, refused: Error) -> Result<()> {
        // All that was allocated is free again before the next attempt.
        self.gpu.wait()?;
        let before = self.choices[self.scale].device.total();
        let less = Budget::of(&self.gpu, self.plan.memory).less_than(&self.choices[self.scale]);
        let smaller = Plan { memory: Some(less), ..self.plan.clone() };
        let choices = smaller.choices(&self.gpu, &self.network, &self.inputs).map_err(|_| refused.clone())?;
        if choices[self.scale].device.total() >= before {
            return Err(refused);
        }
        self.notes.push(format!("{refused}: going on in smaller pieces, {}", choices[self.scale]));
        (self.plan, self.choices) = (smaller, choices);
        Ok(())
    }

    /// Targets, objective and optimiser of the present scale, all made anew.
    fn try_next_loop(&self, start: &[f32]) -> Result<OptimizationLoop> {
        let scale = &self.plan.schedule.scales()[self.scale];
        let (inputs, method) = (self.inputs.at(scale)?, self.plan.method_at(scale));
        let mut optimization = match self.choices[self.scale].strategy {
            Strategy::Whole { activations, style_core } => {
                self.whole_image_loop(&inputs, start, method, activations, style_core)?
            }
            Strategy::Tiled { tiling, pairs, history } => {
                let (PaintingInputs { content, styles, .. }, network) = (&inputs, &self.network);
                let scene = Scene { content, styles, content_region: inputs.content_region.as_ref() };
                let objective = TiledObjective::new(
                    &self.gpu,
                    network,
                    &self.plan.settings,
                    &scene,
                    tiling,
                    &self.memory,
                )?;
                drop(inputs);
                let method = history.map_or(method, |history| method.remembering(history));
                OptimizationLoop::Tiled(Box::new(TiledLoop::new(objective, method, start, pairs)?))
            }
        };
        self.time_every.iter().for_each(|n| optimization.time_every(*n));
        if self.watched {
            optimization.watch()?;
        }
        Ok(optimization)
    }

    fn whole_image_loop(
        &self,
        inputs: &PaintingInputs,
        start: &[f32],
        method: Method,
        activations: Activations,
        style_core: Option<u32>,
    ) -> Result<OptimizationLoop> {
        let (gpu, network, settings) = (&self.gpu, &self.network, &self.plan.settings);
        let PaintingInputs { content, styles, content_region } = inputs;
        let mut targets =
            Targets::remembering(gpu, network, settings, content, styles, style_core, &self.memory)?;
        if let Some(region) = content_region {
            targets = targets.with_content_region(gpu, region)?;
        }
        let objective = Objective::with(gpu, network, settings, &targets, activations)?;
        Ok(OptimizationLoop::Whole(Box::new(WholeImageLoop::new(gpu, objective, method, start)?)))
    }

    /// Goes on to the next scale from what this one made.
    fn climb(&mut self) -> Result<()> {
        // The memory of this scale is free before the next takes its own.
        let Some(optimization) = self.optimization.take() else { return Ok(()) };
        let scales = self.plan.schedule.scales();
        let scale_state = ScaleState::from(&optimization, &scales[self.scale], &scales[self.scale + 1])?;
        self.before += optimization.finished();
        drop(optimization);
        self.scale += 1;
        self.early_stopping = EarlyStopping::new(self.plan.until);
        let mut optimization = self.next_loop(&scale_state.x)?;
        scale_state.give(&mut optimization);
        self.optimization = Some(optimization);
        Ok(())
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    fn report(&mut self, step: Step) -> Evaluation {
        self.early_stopping.observe(step.iteration + 1, step.losses.total);
        Evaluation {
            iteration: self.before + step.iteration,
            scale: self.scale,
            seconds: self.seconds(),
            losses: step.losses,
            restarted: step.restarted,
        }
    }
}

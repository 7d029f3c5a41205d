//! Painting: a [`Descent`] at each scale of a [`Schedule`], the picture carried from one to the next.

mod carry;
mod checkpoint;
mod descent;
mod finish;
mod patience;
mod plan;
mod schedule;
mod start;
mod subject;

pub use checkpoint::{Checkpoint, fingerprint};
pub use descent::{Descent, Step, TiledDescent, WholeDescent};
pub use finish::Finish;
pub use patience::Patience;
pub use plan::Plan;
pub use schedule::{Iterations, Scale, Scales, Schedule};
pub use start::{Beginning, Start};
pub use subject::PaintingInputs;

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
use carry::Carried;

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
    subject: PaintingInputs,
    plan: Plan,
    scale: usize,
    /// Evaluations at the scales before this one.
    before: usize,
    patience: Patience,
    /// How each scale is worked on.
    choices: Vec<Choice>,
    /// What the user should know: see [`take_notes`](Self::take_notes).
    notes: Vec<String>,
    /// The work at this scale; `None` only if the next could not be made.
    descent: Option<Descent>,
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
        subject: PaintingInputs,
        plan: Plan,
        start: &[f32],
    ) -> Result<Self> {
        Self::remembering(gpu, network, subject, plan, start, &StyleCache::none())
    }

    /// The same, without a second look at styles that the network saw in an earlier painting.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn remembering(
        gpu: &Gpu,
        network: &Arc<Network>,
        subject: PaintingInputs,
        plan: Plan,
        start: &[f32],
        memory: &StyleCache,
    ) -> Result<Self> {
        let mut painter = Self::at_rest(gpu, network, subject, plan, memory)?;
        painter.descent = Some(painter.descend(start)?);
        Ok(painter)
    }

    /// A painter that has not begun, its plans made for every scale.
    fn at_rest(
        gpu: &Gpu,
        network: &Arc<Network>,
        subject: PaintingInputs,
        plan: Plan,
        memory: &StyleCache,
    ) -> Result<Self> {
        let choices = plan.choices(gpu, network, &subject)?;
        Ok(Self {
            gpu: gpu.clone(),
            network: network.clone(),
            memory: memory.clone(),
            subject,
            scale: 0,
            before: 0,
            patience: Patience::new(plan.until),
            plan,
            choices,
            notes: vec![],
            descent: None,
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
        self.descent.iter_mut().for_each(|descent| descent.time_every(n));
    }

    /// From now on keeps the picture at which the loss runs away, for [`diagnose`](Self::diagnose).
    ///
    /// # Errors
    /// [`Error::Gpu`] or [`Error::TooLarge`] when memory runs out.
    pub fn watch(&mut self) -> Result<()> {
        self.watched = true;
        self.descent.iter_mut().try_for_each(Descent::watch)
    }

    /// See [`Descent::diagnose`].
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn diagnose(&self) -> Result<Option<NotFinite>> {
        self.descent.as_ref().map_or(Ok(None), Descent::diagnose)
    }

    /// True if the present scale was ended because the loss kept running away and never fell.
    pub fn gave_up(&self) -> bool {
        self.descent.as_ref().is_some_and(Descent::is_hopeless)
    }

    /// The commands of the present scale's evaluations that were timed.
    pub fn timings(&self) -> &[Vec<Timing>] {
        self.descent.as_ref().map_or(&[], Descent::timings)
    }

    /// Goes on from a checkpoint of a painting of the same subject and plan.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Usage`] if the checkpoint is of another
    /// subject or plan.
    pub fn resume(
        gpu: &Gpu,
        network: &Arc<Network>,
        subject: PaintingInputs,
        plan: Plan,
        checkpoint: &Checkpoint,
    ) -> Result<Self> {
        let scale = *checkpoint.scale_of(&plan.schedule)?;
        let mut painter = Self::at_rest(gpu, network, subject, plan, &StyleCache::none())?;
        (painter.scale, painter.before) = (checkpoint.scale, checkpoint.before);
        (painter.patience, painter.seconds_before) = (checkpoint.patience.clone(), checkpoint.seconds);
        let mut descent = painter.descend(&vec![0.0; scale.width as usize * scale.height as usize * 3])?;
        checkpoint.write_to(&mut descent)?;
        painter.descent = Some(descent);
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
        match self.descent.as_ref().filter(|descent| descent.at_rest()) {
            Some(descent) => Checkpoint::of(self, descent),
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
            let Some(descent) = &mut self.descent else { return Ok(None) };
            let horizon = self.plan.horizon(self.before + descent.finished()) - self.before;
            let iterations = self.plan.schedule.scales()[self.scale].iterations;
            let limit = if self.held || descent.is_hopeless() {
                0
            } else {
                horizon.min(iterations).min(self.patience.limit())
            };
            if let Some(step) = descent.advance(limit)? {
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
    pub fn picture(&self) -> Result<Image> {
        let Some(descent) = &self.descent else {
            return Err(crate::Error::gpu("painting", "the work was given up after a failure"));
        };
        let scale = &self.plan.schedule.scales()[self.scale];
        let picture = to_image(&descent.picture()?, scale.width, scale.height)?;
        self.plan.finish.apply(picture, &self.subject.content)
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
        matches!(self.descent, Some(Descent::Whole(_)))
    }

    /// What has happened that the user should know, and was not told yet.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// The work at the present scale. Where the device has less memory than it seemed, in smaller pieces.
    fn descend(&mut self, start: &[f32]) -> Result<Descent> {
        let descent = loop {
            match self.try_to_descend(start) {
                Err(error @ Error::OutOfMemory { .. }) => self.step_down(error)?,
                Err(error) => return Err(error),
                Ok(descent) => break descent,
            }
        };
        if self.scale + 1 == self.plan.schedule.scales().len() {
            // Nothing looks at them again.
            self.subject.styles.clear();
        }
        Ok(descent)
    }

    /// Plans the present scale and those to come for less memory than what was just refused.
    fn step_down(&mut self, refused: Error) -> Result<()> {
        // All that was allocated is free again before the next attempt.
        self.gpu.wait()?;
        let before = self.choices[self.scale].device.total();
        let less = Budget::of(&self.gpu, self.plan.memory).less_than(&self.choices[self.scale]);
        let smaller = Plan { memory: Some(less), ..self.plan.clone() };
        let choices =
            smaller.choices(&self.gpu, &self.network, &self.subject).map_err(|_| refused.clone())?;
        if choices[self.scale].device.total() >= before {
            return Err(refused);
        }
        self.notes.push(format!("{refused}: going on in smaller pieces, {}", choices[self.scale]));
        (self.plan, self.choices) = (smaller, choices);
        Ok(())
    }

    /// Targets, objective and optimiser of the present scale, all made anew.
    fn try_to_descend(&self, start: &[f32]) -> Result<Descent> {
        let scale = &self.plan.schedule.scales()[self.scale];
        let (subject, method) = (self.subject.at(scale)?, self.plan.method_at(scale));
        let mut descent = match self.choices[self.scale].strategy {
            Strategy::Whole { activations, style_core } => {
                self.descend_whole(&subject, start, method, activations, style_core)?
            }
            Strategy::Tiled { tiling, pairs, history } => {
                let (PaintingInputs { content, styles, .. }, network) = (&subject, &self.network);
                let scene = Scene { content, styles, content_region: subject.content_region.as_ref() };
                let objective = TiledObjective::new(
                    &self.gpu,
                    network,
                    &self.plan.settings,
                    &scene,
                    tiling,
                    &self.memory,
                )?;
                drop(subject);
                let method = history.map_or(method, |history| method.remembering(history));
                Descent::Tiled(Box::new(TiledDescent::new(objective, method, start, pairs)?))
            }
        };
        self.time_every.iter().for_each(|n| descent.time_every(*n));
        if self.watched {
            descent.watch()?;
        }
        Ok(descent)
    }

    fn descend_whole(
        &self,
        subject: &PaintingInputs,
        start: &[f32],
        method: Method,
        activations: Activations,
        style_core: Option<u32>,
    ) -> Result<Descent> {
        let (gpu, network, settings) = (&self.gpu, &self.network, &self.plan.settings);
        let PaintingInputs { content, styles, content_region } = subject;
        let mut targets =
            Targets::remembering(gpu, network, settings, content, styles, style_core, &self.memory)?;
        if let Some(region) = content_region {
            targets = targets.with_content_region(gpu, region)?;
        }
        let objective = Objective::with(gpu, network, settings, &targets, activations)?;
        Ok(Descent::Whole(Box::new(WholeDescent::new(gpu, objective, method, start)?)))
    }

    /// Goes on to the next scale from what this one made.
    fn climb(&mut self) -> Result<()> {
        // The memory of this scale is free before the next takes its own.
        let Some(descent) = self.descent.take() else { return Ok(()) };
        let scales = self.plan.schedule.scales();
        let carried = Carried::from(&descent, &scales[self.scale], &scales[self.scale + 1])?;
        self.before += descent.finished();
        drop(descent);
        self.scale += 1;
        self.patience = Patience::new(self.plan.until);
        let mut descent = self.descend(&carried.x)?;
        carried.give(&mut descent);
        self.descent = Some(descent);
        Ok(())
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    fn report(&mut self, step: Step) -> Evaluation {
        self.patience.look(step.iteration + 1, step.losses.total);
        Evaluation {
            iteration: self.before + step.iteration,
            scale: self.scale,
            seconds: self.seconds(),
            losses: step.losses,
            restarted: step.restarted,
        }
    }
}

//! Painting: an [`OptimizationLoop`] at each scale of a [`Schedule`]; the image of one scale starts the next.

mod checkpoint;
mod content_region;
mod early_stopping;
mod finish;
mod flatness;
mod initial_image;
mod inputs;
mod noise;
mod optimization;
mod options;
mod plan;
mod scale_loop;
mod scale_state;
mod schedule;
mod stroke_width;
mod supersampling;

pub use checkpoint::{Checkpoint, fingerprint};
pub use content_region::{ContentWeights, content_region};
pub use early_stopping::EarlyStopping;
pub use finish::Finish;
pub use initial_image::{InitialImage, Start};
pub use inputs::PaintingInputs;
pub use noise::NoiseShare;
pub use optimization::{OptimizationLoop, Step, TiledLoop, WholeImageLoop};
pub use options::{Origin, PainterOptions};
pub use plan::Plan;
pub use schedule::{Iterations, Scale, Scales, Schedule};
pub use stroke_width::{stroke_width, style_side};
pub use supersampling::Supersampling;

use std::borrow::Cow;
use std::sync::Arc;
use web_time::Instant;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Timing};
use crate::graph::NotFinite;
use crate::image_io::Image;
use crate::objective::{Losses, StyleCache, to_image, to_variable};
use crate::planner::Choice;
use crate::vgg19::{LayerId, Network};
use scale_state::ScaleState;

/// One finished evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Number of the evaluation, from 0, over all scales.
    pub iteration: usize,
    /// Number of the scale, from 0.
    pub scale: usize,
    /// Seconds since the painter was made, plus the time before a checkpoint that it resumed.
    pub seconds: f64,
    /// Losses of the image before this evaluation's update.
    pub losses: Losses,
    /// True if the loss had diverged, so that the update restored the best image.
    pub restarted: bool,
}

/// A painting in progress.
#[derive(Debug)]
pub struct Painter {
    gpu: Gpu,
    network: Arc<Network>,
    inputs: PaintingInputs,
    plan: Plan,
    style_cache: StyleCache,
    time_every: Option<usize>,
    keep_diverged: bool,
    /// How each scale is computed.
    choices: Vec<Choice>,
    /// Messages for the user: see [`take_notes`](Self::take_notes).
    notes: Vec<String>,
    /// Number of the present scale.
    scale: usize,
    /// Evaluations at the scales before this one.
    evaluations_before: usize,
    early_stopping: EarlyStopping,
    /// The loop of this scale; `None` only if the next could not be made.
    optimization: Option<Box<dyn OptimizationLoop>>,
    /// The variable that this scale was to start from, if its loop could not be made: the result of the scale before.
    unused_start: Option<Vec<f32>>,
    /// Submits no further evaluations.
    stopped: bool,
    started: Instant,
    /// Seconds of work before the checkpoint that was resumed.
    seconds_before: f64,
}

impl Painter {
    /// Plans every scale and prepares the first, or the one of the checkpoint in `options`.
    ///
    /// # Errors
    /// [`Error::Usage`] and [`Error::Setting`] for settings that cannot work, and for a checkpoint of other inputs or
    /// another plan; [`Error::Gpu`] or [`Error::TooLarge`] when memory runs out.
    pub fn new(
        gpu: &Gpu,
        network: &Arc<Network>,
        inputs: PaintingInputs,
        plan: Plan,
        options: PainterOptions<'_>,
    ) -> Result<Self> {
        let choices = plan.choices(gpu, network, &inputs)?;
        let mut painter = Self {
            gpu: gpu.clone(),
            network: network.clone(),
            inputs,
            style_cache: options.style_cache,
            time_every: options.time_every,
            keep_diverged: options.keep_diverged,
            choices,
            notes: vec![],
            scale: 0,
            evaluations_before: 0,
            early_stopping: EarlyStopping::new(plan.tolerance),
            plan,
            optimization: None,
            unused_start: None,
            stopped: false,
            started: Instant::now(),
            seconds_before: 0.0,
        };
        painter.optimization = Some(match options.origin {
            Origin::Content => {
                let content = painter.inputs.at(painter.plan.schedule.first())?.content;
                painter.next_loop(&to_variable(&content))?
            }
            Origin::Variable(x) => painter.next_loop(x)?,
            Origin::Checkpoint(checkpoint) => painter.resume(checkpoint)?,
        });
        Ok(painter)
    }

    /// The loop of the checkpoint's scale, in the checkpoint's state.
    fn resume(&mut self, checkpoint: &Checkpoint) -> Result<Box<dyn OptimizationLoop>> {
        let scale = *checkpoint.scale_of(&self.plan.schedule)?;
        (self.scale, self.evaluations_before) = (checkpoint.scale, checkpoint.evaluations_before);
        self.early_stopping = checkpoint.early_stopping.clone();
        self.seconds_before = checkpoint.seconds;
        let [width, height] = self.inputs.painted_size(&scale).map(|side| side as usize);
        let mut optimization = self.next_loop(&vec![0.0; width * height * 3])?;
        checkpoint.write_to(optimization.as_mut())?;
        Ok(optimization)
    }

    /// See [`OptimizationLoop::diagnose`].
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn diagnose(&self) -> Result<Option<NotFinite>> {
        self.optimization.as_ref().map_or(Ok(None), |optimization| optimization.diagnose())
    }

    /// True if the present scale ended because the loss keeps diverging and never falls.
    pub fn gave_up(&self) -> bool {
        self.optimization.as_ref().is_some_and(|optimization| optimization.gave_up())
    }

    /// The commands of each timed evaluation of the present scale.
    pub fn timings(&self) -> &[Vec<Timing>] {
        self.optimization.as_ref().map_or(&[], |optimization| optimization.timings())
    }

    /// Submits no further evaluations: [`advance`](Self::advance) gives those in flight and then `None`.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Also pauses after every `n` evaluations from now on, as [`Plan::pauses`] does. Evaluations in flight may run past
    /// the first of these pauses.
    pub fn pause_every(&mut self, n: usize) {
        self.plan.pauses.push(n);
    }

    /// True if no evaluation is in flight, so that a [`checkpoint`](Self::checkpoint) can be taken.
    pub fn is_at_rest(&self) -> bool {
        self.optimization.as_ref().is_some_and(|optimization| optimization.is_idle())
    }

    /// The state to resume from. Nothing may be in flight: call it at a pause of the plan, after [`stop`](Self::stop)
    /// and the last evaluation, or at the end.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed, or if evaluations are in flight.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        match self.optimization.as_deref().filter(|optimization| optimization.is_idle()) {
            Some(optimization) => Checkpoint::of(self, optimization),
            None => Err(Error::gpu("a checkpoint", "evaluations are in flight")),
        }
    }

    /// The next evaluation, once it is finished; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed; as [`new`](Self::new) where the next scale begins.
    pub fn advance(&mut self) -> Result<Option<Evaluation>> {
        loop {
            let limit = self.limit();
            let Some(optimization) = &mut self.optimization else { return Ok(None) };
            if let Some(step) = optimization.advance(limit)? {
                return Ok(Some(self.report(step)));
            }
            if self.stopped || self.scale + 1 == self.plan.schedule.scales().len() {
                return Ok(None);
            }
            self.next_scale()?;
        }
    }

    /// Number of evaluations of this scale that may be submitted now.
    fn limit(&self) -> usize {
        let Some(optimization) = &self.optimization else { return 0 };
        if self.stopped || optimization.gave_up() {
            return 0;
        }
        let finished = self.evaluations_before + optimization.finished();
        let until_pause = self.plan.next_pause(finished) - self.evaluations_before;
        let iterations = self.plan.schedule.scales()[self.scale].iterations;
        until_pause.min(iterations).min(self.early_stopping.limit())
    }

    /// The image so far at the [shown size](Schedule::shown_size) of the present scale, finished as the plan says: the one
    /// with the lowest loss, or the running average where one is kept. Waits for everything submitted.
    ///
    /// # Errors
    /// [`Error::NoFiniteLoss`] if there is none; [`Error::Gpu`] if the device failed.
    pub fn image(&self) -> Result<Image> {
        let x = match (&self.optimization, &self.unused_start) {
            (Some(optimization), _) => optimization.image()?,
            (None, Some(start)) => Cow::Borrowed(&start[..]),
            (None, None) => return Err(Error::gpu("painting", "the next scale could not be prepared")),
        };
        let scale = &self.plan.schedule.scales()[self.scale];
        let [width, height] = self.inputs.painted_size(scale);
        let painted = to_image(&x, width, height)?.without_margin(self.inputs.margin)?;
        let (width, height) = self.plan.schedule.shown_size(scale);
        self.plan.finish.apply(painted.resized_to(width, height)?, &self.inputs.content)
    }

    /// The scales of the plan.
    pub fn schedule(&self) -> &Schedule {
        &self.plan.schedule
    }

    /// The deepest layer of the objective.
    pub fn deepest(&self) -> LayerId {
        self.plan.settings.deepest()
    }

    /// How each scale is computed.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// True if the image is in the device's memory alone, and lost with the device.
    pub fn is_on_the_device(&self) -> bool {
        self.optimization.as_ref().is_some_and(|optimization| optimization.is_on_the_device())
    }

    /// Messages for the user since the last call, such as a change to smaller pieces.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// Replaces the loop by that of the next scale, which starts from its result.
    fn next_scale(&mut self) -> Result<()> {
        let Some(optimization) = self.optimization.take() else { return Ok(()) };
        let scales = self.plan.schedule.scales();
        let state = ScaleState::new(
            optimization.as_ref(),
            &scales[self.scale],
            &scales[self.scale + 1],
            self.inputs.margin,
        )?;
        self.evaluations_before += optimization.finished();
        // The memory of this scale is free before the next allocates its own.
        drop(optimization);
        self.scale += 1;
        self.early_stopping = EarlyStopping::new(self.plan.tolerance);
        let mut optimization = match self.next_loop(&state.x) {
            Ok(optimization) => optimization,
            Err(error) => {
                self.unused_start = Some(state.x);
                return Err(error);
            }
        };
        state.moments.iter().for_each(|moments| optimization.set_moments(moments));
        self.optimization = Some(optimization);
        Ok(())
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    fn report(&mut self, step: Step) -> Evaluation {
        self.early_stopping.observe(step.iteration + 1, step.losses.total);
        Evaluation {
            iteration: self.evaluations_before + step.iteration,
            scale: self.scale,
            seconds: self.seconds(),
            losses: step.losses,
            restarted: step.restarted,
        }
    }
}

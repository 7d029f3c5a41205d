//! The optimisation loop at one size: evaluate, update, report.

mod divergence_guard;
mod tiled;
mod whole;

pub use tiled::TiledLoop;
pub(super) use whole::DEPTH;
pub use whole::WholeImageLoop;

use std::borrow::Cow;
use std::fmt;

use crate::error::Result;
use crate::gpu::Timing;
use crate::graph::NotFinite;
use crate::objective::Losses;
use crate::optim::{Moments, State};
use divergence_guard::DivergenceGuard;

/// One finished evaluation at one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Number of the evaluation at this size, from 0.
    pub iteration: usize,
    /// Losses of the image before this evaluation's update.
    pub losses: Losses,
    /// True if the loss had diverged, so that the update restored the best image.
    pub restarted: bool,
}

/// An optimiser minimising an objective: on the device, or in tiles with the optimiser on the host.
///
/// Methods that read the state expect an [idle](Self::is_idle) loop.
pub trait OptimizationLoop: fmt::Debug {
    /// The next evaluation, once it is finished; `None` if the first `limit` are. No more than those are submitted, so
    /// that at the limit the image is the result of exactly these.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    fn advance(&mut self, limit: usize) -> Result<Option<Step>>;

    /// Number of finished evaluations.
    fn finished(&self) -> usize;

    /// True if nothing is in flight: the state is that after the last finished evaluation.
    fn is_idle(&self) -> bool;

    /// True if the loop has ended because the loss keeps diverging and never falls.
    fn gave_up(&self) -> bool;

    /// The resulting variable: the running average where one is kept, else the image with the lowest loss so far.
    /// Waits for everything submitted.
    ///
    /// # Errors
    /// [`Error::NoFiniteLoss`](crate::Error::NoFiniteLoss) if there is none, unless an image on the host was not yet evaluated; [`Error::Gpu`](crate::Error::Gpu) if the
    /// device failed.
    fn image(&self) -> Result<Cow<'_, [f32]>>;

    /// True if the image is in the device's memory alone, and lost with the device.
    fn is_on_the_device(&self) -> bool;

    /// From now on keeps the image whose loss diverges, for [`diagnose`](Self::diagnose).
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) or [`Error::TooLarge`](crate::Error::TooLarge) when memory runs out.
    fn keep_diverged(&mut self) -> Result<()>;

    /// The first operation with a value that is not finite in the last evaluation that diverged; `None` if all are
    /// finite, so that the step was just too long, or without [`keep_diverged`](Self::keep_diverged). Evaluates again,
    /// operation by operation, and does not affect later evaluations.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    fn diagnose(&self) -> Result<Option<NotFinite>>;

    /// Times every command of each `n`-th evaluation and its update from now on, where all run on the device. A timed
    /// evaluation waits for the device.
    fn time_every(&mut self, _n: usize) {}

    /// The commands of each timed evaluation.
    fn timings(&self) -> &[Vec<Timing>] {
        &[]
    }

    /// Everything that determines later evaluations, but for the two counters of [`restore`](Self::restore).
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    fn state(&self) -> Result<State>;

    /// Number of losses that diverged.
    fn restarts(&self) -> u32;

    /// Continues from the state of another loop after `finished` evaluations and `restarts` divergences. Returns false,
    /// with nothing changed, if that was of another kind or size.
    fn restore(&mut self, state: &State, finished: usize, restarts: u32) -> bool;

    /// Adam's running means, if the method is Adam.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    fn moments(&self) -> Result<Option<Moments>>;

    /// Overwrites Adam's running means; does nothing for another method.
    fn set_moments(&mut self, moments: &Moments);
}

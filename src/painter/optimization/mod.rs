//! The loop at one size: evaluate, update, report.

mod tiled;
mod whole;

pub use tiled::TiledLoop;
pub(super) use whole::DEPTH;
pub use whole::WholeImageLoop;

use std::borrow::Cow;

use crate::error::Result;
use crate::gpu::Timing;
use crate::graph::NotFinite;
use crate::objective::Losses;
use crate::optim::State;

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

/// Whether the loss may still fall.
#[derive(Debug)]
struct DivergenceGuard {
    lowest: f64,
    /// How often the loss has run away since it was that low.
    restarts_without_progress: usize,
}

impl Default for DivergenceGuard {
    fn default() -> Self {
        Self { lowest: f64::INFINITY, restarts_without_progress: 0 }
    }
}

impl DivergenceGuard {
    /// So often the loss may run away without having fallen in between. After each time the optimiser knows no
    /// more than before, so that it would go on like this to the end.
    const ATTEMPTS: usize = 8;

    fn observe(&mut self, step: &Step) {
        if step.losses.total < self.lowest {
            (self.lowest, self.restarts_without_progress) = (step.losses.total, 0);
        } else if step.restarted {
            self.restarts_without_progress += 1;
        }
    }

    fn gave_up(&self) -> bool {
        self.restarts_without_progress >= Self::ATTEMPTS
    }
}

/// Adam's running means: see [`Adam`](crate::optim::Adam).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moments {
    pub powers: Vec<f32>,
    pub mean: Vec<f32>,
    pub square: Vec<f32>,
}

/// An objective going downhill, in whichever way its size asks for.
#[derive(Debug)]
pub enum OptimizationLoop {
    /// All of it on the device.
    Whole(Box<WholeImageLoop>),
    /// One tile on the device at a time.
    Tiled(Box<TiledLoop>),
}

impl OptimizationLoop {
    /// The next evaluation, once it is finished; `None` if all of the first `limit` are. No more than
    /// those are submitted, so that at the limit the picture is what they made of it.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn advance(&mut self, limit: usize) -> Result<Option<Step>> {
        match self {
            Self::Whole(optimization) => optimization.advance(limit),
            Self::Tiled(optimization) => optimization.advance(limit),
        }
    }

    /// Evaluations that are finished.
    pub fn finished(&self) -> usize {
        match self {
            Self::Whole(optimization) => optimization.finished(),
            Self::Tiled(optimization) => optimization.finished(),
        }
    }

    /// The variable as it is to be shown: the average where one is kept, else the one with the lowest
    /// loss so far. Waits for everything submitted.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed, or if no loss was finite, so that there is no picture.
    pub fn image(&self) -> Result<Cow<'_, [f32]>> {
        match self {
            Self::Whole(optimization) => optimization.image().map(Cow::Owned),
            Self::Tiled(optimization) => optimization.image().map(Cow::Borrowed),
        }
    }

    /// Times every command of each `n`-th evaluation and its update from now on, where all is on the device.
    /// Such a step waits for it.
    pub fn time_every(&mut self, n: usize) {
        if let Self::Whole(optimization) = self {
            optimization.time_every(n);
        }
    }

    /// The commands of the evaluations that were timed.
    pub fn timings(&self) -> &[Vec<Timing>] {
        match self {
            Self::Whole(optimization) => optimization.timings(),
            Self::Tiled(_) => &[],
        }
    }

    /// From now on keeps the picture at which the loss runs away, for [`diagnose`](Self::diagnose).
    ///
    /// # Errors
    /// [`Error::Gpu`] or [`Error::TooLarge`] when memory runs out.
    pub fn watch(&mut self) -> Result<()> {
        match self {
            Self::Whole(optimization) => optimization.watch(),
            Self::Tiled(optimization) => {
                optimization.watch();
                Ok(())
            }
        }
    }

    /// Where the numbers first stop being finite in the last evaluation that had run away; `None` if they do
    /// not, so that the step was just too long. Evaluates again, operation by operation, and leaves
    /// everything that decides how it goes on as it was. [`watch`](Self::watch) comes first.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn diagnose(&self) -> Result<Option<NotFinite>> {
        match self {
            Self::Whole(optimization) => optimization.diagnose(),
            Self::Tiled(optimization) => optimization.diagnose(),
        }
    }

    /// True if the loss keeps running away and never falls: more evaluations would change nothing.
    pub fn gave_up(&self) -> bool {
        match self {
            Self::Whole(optimization) => optimization.gave_up(),
            Self::Tiled(optimization) => optimization.gave_up(),
        }
    }

    /// True if nothing is in flight: the state is that after the last finished evaluation.
    pub fn at_rest(&self) -> bool {
        match self {
            Self::Whole(optimization) => optimization.at_rest(),
            Self::Tiled(_) => true,
        }
    }

    /// Everything that decides how it goes on.
    pub(super) fn state(&self) -> Result<State> {
        match self {
            Self::Whole(optimization) => optimization.state(),
            Self::Tiled(optimization) => Ok(optimization.state()),
        }
    }

    /// Goes on where another stood at rest after so many evaluations. False, and nothing changed, if that
    /// was of another kind.
    pub(super) fn restore(&mut self, state: &State, finished: usize, restarts: f32) -> bool {
        match self {
            Self::Whole(optimization) => optimization.restore(state, finished, restarts),
            Self::Tiled(optimization) => optimization.restore(state, finished),
        }
    }

    /// How often the loss has run away.
    pub(super) fn restarts(&self) -> f32 {
        match self {
            Self::Whole(optimization) => optimization.restarts(),
            Self::Tiled(optimization) => optimization.restarts(),
        }
    }

    /// Adam's running means, if Adam is at work.
    pub(super) fn moments(&self) -> Result<Option<Moments>> {
        match self {
            Self::Whole(optimization) => optimization.moments(),
            Self::Tiled(optimization) => Ok(optimization.moments()),
        }
    }

    /// Overwrites them.
    pub(super) fn set_moments(&mut self, moments: &Moments) {
        match self {
            Self::Whole(optimization) => optimization.set_moments(moments),
            Self::Tiled(optimization) => optimization.set_moments(moments),
        }
    }
}

//! Optimisation methods and their settings.

use super::MOST_PAIRS;
use crate::error::{Error, Result, Setting};

/// An optimisation method with its settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Adam (Kingma & Ba 2015) with the usual constants: beta1 0.9, beta2 0.999, epsilon 1e-8.
    Adam {
        /// Step length: about the change of each value in a step, in levels of 0 to 255.
        lr: f32,
        /// Keeps a running average of the images, with a decay of 0.99: it is then the result.
        average: bool,
    },
    /// L-BFGS (Liu & Nocedal 1989) without a line search. `docs/src/internals/optimisers.md` has the rules for
    /// the length of its steps.
    Lbfgs {
        /// Factor on each quasi-Newton step.
        lr: f32,
        /// Number of pairs in the history, 1 to [`MOST_PAIRS`].
        history: u32,
        /// Smoothing of the steps, 0 (none) to below 1: waves of two pixels are shortened to `1 - smoothing`, which
        /// holds back ripples. See `shaders/lbfgs/smooth.wgsl`.
        smoothing: f32,
    },
}

impl Method {
    /// Step length of Adam: about two grey levels.
    pub const ADAM_LR: f32 = 2.0;
    /// Step length of L-BFGS: full quasi-Newton steps.
    pub const LBFGS_LR: f32 = 1.0;
    /// Pairs in the history of the default method.
    pub const HISTORY: u32 = 100;
    /// The strongest smoothing of L-BFGS: with 1, waves of two pixels could not change at all.
    pub const MOST_SMOOTHING: f32 = 0.99;

    /// The same method with `history` pairs, if it keeps any.
    pub fn with_history(self, history: u32) -> Self {
        match self {
            Self::Lbfgs { lr, smoothing, .. } => Self::Lbfgs { lr, history, smoothing },
            adam => adam,
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] for a step length that is not above 0, or a history or a smoothing outside its range.
    pub fn check(&self) -> Result<()> {
        let (Self::Adam { lr, .. } | Self::Lbfgs { lr, .. }) = *self;
        if !(lr > 0.0 && lr.is_finite()) {
            return Err(Error::setting(Setting::Lr, format!("must be above 0, not {lr}")));
        }
        let Self::Lbfgs { history, smoothing, .. } = *self else { return Ok(()) };
        if !(1..=MOST_PAIRS).contains(&history) {
            let problem = format!("must be from 1 to {MOST_PAIRS}, not {history}");
            return Err(Error::setting(Setting::History, problem));
        }
        if !(0.0..=Self::MOST_SMOOTHING).contains(&smoothing) {
            let problem = format!("must be from 0 to {}, not {smoothing}", Self::MOST_SMOOTHING);
            return Err(Error::setting(Setting::Smoothing, problem));
        }
        Ok(())
    }
}

impl Default for Method {
    /// L-BFGS with full steps, a history of [`HISTORY`](Self::HISTORY) pairs, and no smoothing.
    fn default() -> Self {
        Self::Lbfgs { lr: Self::LBFGS_LR, history: Self::HISTORY, smoothing: 0.0 }
    }
}

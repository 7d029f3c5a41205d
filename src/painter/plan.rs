//! What a painter is asked to do.

use super::{Finish, PaintingInputs, Scale, Schedule};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::objective::{Parts, Settings};
use crate::optim::Method;
use crate::planner::{Budget, Choice, Planner};
use crate::vgg19::Network;

/// How a painting goes about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What is minimised.
    pub settings: Settings,
    /// The optimiser.
    pub method: Method,
    /// The sizes and how long each is worked on.
    pub schedule: Schedule,
    /// Ends a scale before its last evaluation when the loss falls by less than this part of itself
    /// over [`EarlyStopping::WINDOW`](super::EarlyStopping::WINDOW) evaluations.
    pub until: Option<f64>,
    /// What becomes of the picture when it is shown.
    pub finish: Finish,
    /// After every so many evaluations, by each of these numbers (from 1 up), [`Painter::image`](super::Painter::image) is
    /// to be what it was just then, so the painter does not run ahead of them.
    pub pauses: Vec<usize>,
    /// How much memory may be used in bytes; `None` leaves it to [`Budget::of`].
    pub memory: Option<u64>,
}

impl Plan {
    /// The optimiser of one scale: no more pairs of L-BFGS than its evaluations can make.
    pub(super) fn method_at(&self, scale: &Scale) -> Method {
        match self.method {
            Method::Lbfgs { history, .. } => {
                let made = scale.iterations.saturating_sub(1).max(1);
                self.method.remembering(history.min(u32::try_from(made).unwrap_or(u32::MAX)))
            }
            adam @ Method::Adam { .. } => adam,
        }
    }

    /// How many evaluations may be submitted when so many are finished.
    pub(super) fn horizon(&self, finished: usize) -> usize {
        let next = self.pauses.iter().map(|every| (finished / every + 1) * every).min();
        next.unwrap_or(usize::MAX)
    }

    /// How each scale is worked on, found out before any work.
    ///
    /// # Errors
    /// As [`Painter::new`](super::Painter::new).
    pub fn choices(&self, gpu: &Gpu, network: &Network, inputs: &PaintingInputs) -> Result<Vec<Choice>> {
        let budget = Budget::of(gpu, self.memory);
        let parts = Parts::of(&inputs.styles, inputs.content_region.as_ref())?;
        let choose = |scale: &Scale| {
            let method = Some(self.method_at(scale));
            let planner = Planner { gpu, network, settings: &self.settings, method, budget };
            planner.choose(&parts, &inputs.sizes_at(scale))
        };
        self.schedule.scales().iter().map(choose).collect()
    }
}

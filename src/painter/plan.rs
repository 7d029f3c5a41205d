//! Settings of a painting.

use super::{Finish, PaintingInputs, Scale, Schedule};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::objective::{Parts, Settings};
use crate::optim::Method;
use crate::planner::{Budget, Choice, Planner};
use crate::vgg19::Network;

/// How a painting is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What is minimised.
    pub settings: Settings,
    /// The optimiser.
    pub method: Method,
    /// The sizes, with the number of evaluations at each.
    pub schedule: Schedule,
    /// Ends a scale early when the lowest loss falls by less than this part of itself over
    /// [`EarlyStopping::WINDOW`](super::EarlyStopping::WINDOW) evaluations; `None` never does.
    pub tolerance: Option<f64>,
    /// What is done to an image before it is shown.
    pub finish: Finish,
    /// Intervals in evaluations, from 1 up. After each multiple of one, [`Painter::image`](super::Painter::image) is the
    /// image of just that evaluation: nothing beyond it is submitted before.
    pub pauses: Vec<usize>,
    /// Memory that may be used in bytes; `None` leaves it to [`Budget::of`].
    pub memory: Option<u64>,
}

impl Plan {
    /// The defaults: the default objective and method, no early stop, no pauses, and nothing done to the result.
    pub fn new(schedule: Schedule) -> Self {
        Self {
            settings: Settings::default(),
            method: Method::default(),
            schedule,
            tolerance: None,
            finish: Finish::default(),
            pauses: vec![],
            memory: None,
        }
    }

    /// The optimiser of one scale, with no more L-BFGS pairs than its evaluations can make.
    pub(super) fn method_at(&self, scale: &Scale) -> Method {
        match self.method {
            Method::Lbfgs { history, .. } => {
                let made = scale.iterations.saturating_sub(1).max(1);
                self.method.with_history(history.min(u32::try_from(made).unwrap_or(u32::MAX)))
            }
            adam @ Method::Adam { .. } => adam,
        }
    }

    /// The number of evaluations at the next pause after `finished`.
    pub(super) fn next_pause(&self, finished: usize) -> usize {
        let next = self.pauses.iter().map(|every| (finished / every + 1) * every).min();
        next.unwrap_or(usize::MAX)
    }

    /// How each scale is computed, decided from sizes alone.
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

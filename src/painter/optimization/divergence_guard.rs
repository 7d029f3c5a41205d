//! Ends a run whose loss keeps diverging.

use super::Step;

/// Counts the divergences since the loss last fell.
#[derive(Debug)]
pub(super) struct DivergenceGuard {
    lowest: f64,
    restarts_without_progress: usize,
}

impl Default for DivergenceGuard {
    fn default() -> Self {
        Self { lowest: f64::INFINITY, restarts_without_progress: 0 }
    }
}

impl DivergenceGuard {
    /// After each restart the optimiser has no more information than before, so it would diverge again.
    const ATTEMPTS: usize = 8;

    pub fn observe(&mut self, step: &Step) {
        if step.losses.total < self.lowest {
            (self.lowest, self.restarts_without_progress) = (step.losses.total, 0);
        } else if step.restarted {
            self.restarts_without_progress += 1;
        }
    }

    pub fn gave_up(&self) -> bool {
        self.restarts_without_progress >= Self::ATTEMPTS
    }
}

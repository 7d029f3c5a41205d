//! Early stopping: ends a scale when the loss stops improving.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::optimization::DEPTH;

/// Observes the losses of one scale and decides after which evaluation it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// The relative improvement that must be exceeded; `None` never stops.
    #[serde(rename = "least")]
    tolerance: Option<f64>,
    /// The lowest loss so far, after each of the last evaluations.
    lowest: VecDeque<f64>,
    /// Number of evaluations after which to stop, once that is known.
    stop: Option<usize>,
}

impl EarlyStopping {
    /// Number of evaluations over which the improvement is measured. Losses of L-BFGS can stall or rise for
    /// a few steps before they fall again.
    pub const WINDOW: usize = 20;

    /// Stops when the lowest loss fell by no more than the part `tolerance` of itself over
    /// [`WINDOW`](Self::WINDOW) evaluations; never with `None`.
    pub fn new(tolerance: Option<f64>) -> Self {
        Self { tolerance, lowest: VecDeque::new(), stop: None }
    }

    /// Records the total loss of an evaluation, the `done`-th.
    ///
    /// The stop is as many evaluations later as may be in flight, so that it does not depend on how many are.
    pub fn observe(&mut self, done: usize, total: f64) {
        let Some(tolerance) = self.tolerance else { return };
        let before = self.lowest.back().copied().unwrap_or(f64::INFINITY);
        let now = total.min(before);
        self.lowest.push_back(now);
        if self.lowest.len() > Self::WINDOW {
            let then = self.lowest.pop_front().unwrap_or(f64::INFINITY);
            if then - now <= tolerance * then && self.stop.is_none() {
                self.stop = Some(done + DEPTH - 1);
            }
        }
    }

    /// Largest number of evaluations of this scale, as far as is known.
    pub fn limit(&self) -> usize {
        self.stop.unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(tolerance: Option<f64>, losses: impl Iterator<Item = f64>) -> Option<usize> {
        let mut early_stopping = EarlyStopping::new(tolerance);
        losses.enumerate().for_each(|(k, loss)| early_stopping.observe(k + 1, loss));
        early_stopping.stop
    }

    #[test]
    fn it_stops_when_losses_stall() {
        // Falls by 5% an evaluation for 30, then not at all: after 19 more the window holds only equal losses.
        let losses = || (0..100).map(|k| 0.95f64.powi(k.min(30)));
        let stop = stops(Some(0.01), losses()).unwrap();
        assert!((50..=54).contains(&stop), "{stop}");
        assert_eq!(stops(None, losses()), None);
        // The loss falls fast enough to the end.
        assert_eq!(stops(Some(0.01), (0..100).map(|k| 0.95f64.powi(k))), None);
        // A loss that rises for a while and falls again has not stalled.
        let wavy = (0..100).map(|k| 0.9f64.powi(k) * if k % 7 < 3 { 5.0 } else { 1.0 });
        assert_eq!(stops(Some(0.01), wavy), None);
    }
}

//! When to stop early: nobody is to wait for what can no longer be seen.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::optimization::DEPTH;

/// Watches the losses of one scale for the moment when they hardly fall.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    /// The smallest relative improvement worth going on for; `None` goes on to the end.
    least: Option<f64>,
    /// The lowest loss so far, after each of the last evaluations.
    lowest: VecDeque<f64>,
    /// Evaluations after which to stop, once that is known.
    stop: Option<usize>,
}

impl EarlyStopping {
    /// Over how many evaluations an improvement is measured. Losses of L-BFGS stand still or rise for
    /// a few steps and fall again.
    pub const WINDOW: usize = 20;

    /// EarlyStopping that ends when the lowest loss fell by no more than the part `least` of itself over
    /// [`WINDOW`](Self::WINDOW) evaluations.
    pub fn new(least: Option<f64>) -> Self {
        Self { least, lowest: VecDeque::new(), stop: None }
    }

    /// Takes note of the total loss of an evaluation; `done` counts it.
    ///
    /// The stop is a few evaluations ahead, where submits may already have gone, so that it does not
    /// depend on how many have.
    pub fn observe(&mut self, done: usize, total: f64) {
        let Some(least) = self.least else { return };
        let before = self.lowest.back().copied().unwrap_or(f64::INFINITY);
        let now = total.min(before);
        self.lowest.push_back(now);
        if self.lowest.len() > Self::WINDOW {
            let then = self.lowest.pop_front().unwrap_or(f64::INFINITY);
            if then - now <= least * then && self.stop.is_none() {
                self.stop = Some(done + DEPTH - 1);
            }
        }
    }

    /// How many evaluations this scale may have, as far as is known.
    pub fn limit(&self) -> usize {
        self.stop.unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops(least: Option<f64>, losses: impl Iterator<Item = f64>) -> Option<usize> {
        let mut early_stopping = EarlyStopping::new(least);
        losses.enumerate().for_each(|(k, loss)| early_stopping.observe(k + 1, loss));
        early_stopping.stop
    }

    #[test]
    fn patience_ends_when_losses_stand_still() {
        // Falls by 5% an evaluation for 30, then not at all: 19 more and the window has seen it all.
        let losses = || (0..100).map(|k| 0.95f64.powi(k.min(30)));
        let stop = stops(Some(0.01), losses()).unwrap();
        assert!((50..=54).contains(&stop), "{stop}");
        assert_eq!(stops(None, losses()), None);
        // A demand that is met to the end.
        assert_eq!(stops(Some(0.01), (0..100).map(|k| 0.95f64.powi(k))), None);
        // A loss that rises for a while and falls again is no standstill.
        let wavy = (0..100).map(|k| 0.9f64.powi(k) * if k % 7 < 3 { 5.0 } else { 1.0 });
        assert_eq!(stops(Some(0.01), wavy), None);
    }
}

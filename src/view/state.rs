//! The data that the page shows.

use std::sync::Arc;

use serde::Serialize;

use crate::image_io::Image;
use crate::objective::Losses;

/// Progress of the present painting. Serialises to the JSON that the page fetches.
#[derive(Debug, Serialize)]
pub struct State {
    /// Name of the painting; empty for a single one.
    name: String,
    /// Number of finished evaluations.
    done: usize,
    /// Number of evaluations in all.
    total: usize,
    /// Number of the evaluation, then total, content and style loss; evenly thinned out where there are many.
    points: Vec<(usize, f64, f64, f64)>,
    /// Fetched separately, as PNG.
    #[serde(skip)]
    pub image: Option<Arc<Image>>,
    /// Interval in evaluations between points.
    #[serde(skip)]
    stride: usize,
}

impl State {
    /// Largest number of points; a screen cannot show more.
    const POINTS: usize = 600;

    pub fn new(name: &str, total: usize) -> Self {
        Self { name: name.into(), done: 0, total, points: vec![], image: None, stride: 1 }
    }

    /// Adds the losses of evaluation `iteration`, counted from 0.
    pub fn add(&mut self, iteration: usize, losses: &Losses) {
        self.done = iteration + 1;
        if !iteration.is_multiple_of(self.stride) {
            return;
        }
        self.points.push((iteration, losses.total, losses.content, losses.style));
        if self.points.len() > Self::POINTS {
            self.stride *= 2;
            self.points.retain(|point| point.0.is_multiple_of(self.stride));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_points_are_thinned_out_evenly() {
        let mut state = State::new("", 5000);
        let losses = Losses {
            total: 1.0,
            content: 0.5,
            style: 0.5,
            tv: 0.0,
            content_layers: Default::default(),
            style_layers: Default::default(),
        };
        (0..5000).for_each(|iteration| state.add(iteration, &losses));
        assert_eq!((state.done, state.stride), (5000, 16));
        assert!(state.points.windows(2).all(|pair| pair[1].0 - pair[0].0 == 16));
        assert!((300..=State::POINTS).contains(&state.points.len()));
    }
}

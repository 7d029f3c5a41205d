//! What the page shows.

use std::sync::Arc;

use serde::Serialize;

use crate::image_io::Image;
use crate::objective::Losses;

/// How far the painting at work is. Serialises to what the page reads.
#[derive(Debug, Serialize)]
pub struct State {
    /// Which of several paintings it is; empty for the only one.
    name: String,
    /// Evaluations that are finished, and that there are to be.
    done: usize,
    total: usize,
    /// Evaluation, then total, content and style loss: evenly thinned out where there are many.
    points: Vec<(usize, f64, f64, f64)>,
    /// The page gets it by itself.
    #[serde(skip)]
    pub image: Option<Arc<Image>>,
    /// Every so many evaluations become a point.
    #[serde(skip)]
    stride: usize,
}

impl State {
    /// More points than this are not to be told apart on a screen.
    const POINTS: usize = 600;

    pub fn new(name: &str, total: usize) -> Self {
        Self { name: name.into(), done: 0, total, points: vec![], image: None, stride: 1 }
    }

    /// The losses of an evaluation, counted from 0.
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

//! The losses of a painting, thinned out for a chart.

use impasto::objective::Losses;

/// Number of the evaluation, then total, content and style loss.
pub type Point = (usize, f64, f64, f64);

/// Losses at even intervals.
#[derive(Debug)]
pub struct Points {
    points: Vec<Point>,
    /// Interval in evaluations.
    stride: usize,
}

impl Points {
    /// Largest number of points; a screen cannot show more.
    const MOST: usize = 600;

    pub fn new() -> Self {
        Self { points: vec![], stride: 1 }
    }

    /// Adds the losses of evaluation `iteration`, counted from 0.
    pub fn add(&mut self, iteration: usize, losses: &Losses) {
        if !iteration.is_multiple_of(self.stride) {
            return;
        }
        self.points.push((iteration, losses.total, losses.content, losses.style));
        if self.points.len() > Self::MOST {
            self.stride *= 2;
            self.points.retain(|point| point.0.is_multiple_of(self.stride));
        }
    }

    pub fn all(&self) -> &[Point] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_points_are_thinned_out_evenly() {
        let mut points = Points::new();
        let losses = Losses {
            total: 1.0,
            content: 0.5,
            style: 0.5,
            tv: 0.0,
            content_layers: Default::default(),
            style_layers: Default::default(),
        };
        (0..5000).for_each(|iteration| points.add(iteration, &losses));
        assert_eq!(points.stride, 16);
        assert!(points.all().windows(2).all(|pair| pair[1].0 - pair[0].0 == 16));
        assert!((300..=Points::MOST).contains(&points.all().len()));
    }
}

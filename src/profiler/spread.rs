//! Median and spread of repeated measurements.

use serde::{Deserialize, Serialize};

/// Median of repeated measurements and the range of most of them. These are percentiles, not mean and deviation,
/// because timings have a long tail to one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// A tenth are lower.
    pub low: f64,
    /// Half are lower.
    pub median: f64,
    /// A tenth are higher.
    pub high: f64,
}

impl Spread {
    /// The spread of any number of measurements; zeros for none.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self {
            low: percentile(&sorted, 0.1),
            median: percentile(&sorted, 0.5),
            high: percentile(&sorted, 0.9),
        }
    }

    /// Half the distance from low to high, as a fraction of the median: 0.05 is ±5%.
    pub fn relative(&self) -> f64 {
        if self.median > 0.0 { (self.high - self.low) / 2.0 / self.median } else { 0.0 }
    }

    /// True if the ranges overlap, so that the difference may be chance.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

impl std::ops::Add for Spread {
    type Output = Self;

    /// The spread of two things in sequence, as if both were slow, or fast, at the same time. It is never too narrow.
    fn add(self, other: Self) -> Self {
        Self { low: self.low + other.low, median: self.median + other.median, high: self.high + other.high }
    }
}

impl std::iter::Sum for Spread {
    fn sum<I: Iterator<Item = Self>>(spreads: I) -> Self {
        spreads.fold(Self::default(), |sum, spread| sum + spread)
    }
}

/// By linear interpolation between neighbours.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = part * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_the_values() {
        let values: Vec<f64> = [5, 1, 3, 2, 4, 6, 8, 7, 9, 10, 11].map(f64::from).to_vec();
        assert_eq!(Spread::of(&values), Spread { low: 2.0, median: 6.0, high: 10.0 });
        assert_eq!(Spread::of(&[1.0, 2.0]), Spread { low: 1.1, median: 1.5, high: 1.9 });
        assert_eq!(Spread::of(&[7.0]), Spread { low: 7.0, median: 7.0, high: 7.0 });
        assert_eq!(Spread::of(&[]), Spread::default());
    }

    #[test]
    fn one_outlier_does_not_move_the_middle() {
        let mut values = vec![1.0; 20];
        values.push(1000.0);
        assert_eq!(Spread::of(&values), Spread { low: 1.0, median: 1.0, high: 1.0 });
    }

    #[test]
    fn spreads_overlap_or_do_not() {
        let [a, b, c] = [(1.0, 2.0), (1.9, 3.0), (2.5, 4.0)].map(|(low, high)| Spread {
            low,
            median: (low + high) / 2.0,
            high,
        });
        assert!(a.overlaps(&b) && b.overlaps(&a) && b.overlaps(&c));
        assert!(!a.overlaps(&c) && !c.overlaps(&a));
        assert_eq!(a.relative(), 1.0 / 3.0);
    }
}

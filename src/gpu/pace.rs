//! Bounds the duration of submissions: a GPU that drives a screen cannot draw during one, and Windows resets a GPU whose
//! submission takes two seconds.

use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use super::lock::lock;
use super::recording::Work;

/// Default bound on the duration of a submission.
pub(super) const SUBMIT: Duration = Duration::from_millis(100);

/// Operations in the time of a byte of memory traffic, on most GPUs.
const OPERATIONS_A_BYTE: f64 = 16.0;

/// Seconds an operation before the first measurement: those of a small integrated GPU.
const SLOW: f64 = 1.0 / 2e11;

/// Submissions that are waited for, to measure the speed of the device. The first few include the driver's compilation,
/// and are not counted.
const MEASURED: Range<u32> = 3..10;

/// Divides work into submissions of bounded duration.
#[derive(Debug)]
pub(super) struct Pace {
    limit: Option<Duration>,
    rate: Mutex<Rate>,
}

#[derive(Debug, Default)]
struct Rate {
    submits: u32,
    seconds: f64,
    operations: f64,
}

impl Pace {
    /// Submissions of at most about `limit`; without a limit, one submission for everything.
    pub fn new(limit: Option<Duration>) -> Self {
        Self { limit, rate: Mutex::default() }
    }

    /// The ends of the submissions into which commands with this work are divided. Each has at least one command.
    pub fn cut(&self, works: impl Iterator<Item = Work>) -> Vec<usize> {
        let works: Vec<f64> = works.map(operations).collect();
        let Some(limit) = self.limit else { return vec![works.len()] };
        let most = limit.as_secs_f64() / self.seconds_an_operation();
        let (mut ends, mut sum) = (vec![], 0.0);
        for (i, work) in works.iter().enumerate() {
            if sum > 0.0 && sum + work > most {
                ends.push(i);
                sum = 0.0;
            }
            sum += work;
        }
        ends.push(works.len());
        ends
    }

    /// Whether to wait for the next submission and pass its duration to [`learn`](Self::learn).
    pub fn wants_to_learn(&self) -> bool {
        self.limit.is_some() && lock(&self.rate).submits < MEASURED.end
    }

    /// Records the duration of a submission.
    pub fn learn(&self, works: impl Iterator<Item = Work>, time: Duration) {
        let mut rate = lock(&self.rate);
        if MEASURED.contains(&rate.submits) {
            rate.seconds += time.as_secs_f64();
            rate.operations += works.map(operations).sum::<f64>();
        }
        rate.submits += 1;
    }

    fn seconds_an_operation(&self) -> f64 {
        let rate = lock(&self.rate);
        if rate.operations > 0.0 { rate.seconds / rate.operations } else { SLOW }
    }
}

fn operations(work: Work) -> f64 {
    work.flops + OPERATIONS_A_BYTE * work.bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn works(flops: &[f64]) -> impl Iterator<Item = Work> {
        flops.iter().map(|flops| Work { flops: *flops, ..Default::default() })
    }

    #[test]
    fn submits_are_cut_by_their_time() {
        assert_eq!(Pace::new(None).cut(works(&[1e12; 5])), [5]);
        let pace = Pace::new(Some(Duration::from_millis(100)));
        // 2e10 operations are 100 ms at first.
        assert_eq!(pace.cut(works(&[1e10, 1e10, 1e10, 5e10, 1e9])), [2, 3, 4, 5]);
        assert_eq!(pace.cut(works(&[])), [0]);
        for _ in 0..MEASURED.end {
            assert!(pace.wants_to_learn());
            pace.learn(works(&[1e10]), Duration::from_millis(10));
        }
        assert!(!pace.wants_to_learn());
        // 1e12 operations a second, as it turned out.
        assert_eq!(pace.cut(works(&[4e10, 4e10, 4e10])), [2, 3]);
    }
}

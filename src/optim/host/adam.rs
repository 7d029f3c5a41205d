//! Adam in the host's memory: see `shaders/adam`.

use rayon::prelude::*;

use super::State;
use super::stored::CHUNK;
use crate::optim::adam::{BETA1, BETA2, DECAY, EPSILON};

/// What Adam remembers from one update to the next.
#[derive(Debug)]
pub struct HostAdam {
    lr: f32,
    /// beta1^t, beta2^t and the average's decay^t after t updates.
    pub powers: [f32; 3],
    /// Running mean of the gradient.
    pub mean: Vec<f32>,
    /// Running mean of the gradient's square.
    pub square: Vec<f32>,
    /// Exponential mean of the pictures, if it is kept.
    pub average: Option<Vec<f32>>,
}

impl HostAdam {
    pub(super) fn new(lr: f32, average: bool, n: usize) -> Self {
        let zeros = || vec![0.0; n];
        Self { lr, powers: [1.0; 3], mean: zeros(), square: zeros(), average: average.then(zeros) }
    }

    /// Starts afresh.
    pub(super) fn forget(&mut self) {
        self.powers = [1.0; 3];
        self.mean.fill(0.0);
        self.square.fill(0.0);
    }

    pub(super) fn step(&mut self, x: &mut [f32], gradient: &[f32]) {
        for (power, factor) in self.powers.iter_mut().zip([BETA1, BETA2, DECAY]) {
            *power *= factor;
        }
        let [power1, power2, decay] = self.powers;
        let rate = self.lr / (1.0 - power1);
        let state = self.mean.par_chunks_mut(CHUNK).zip(self.square.par_chunks_mut(CHUNK));
        let chunks = x.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)).zip(state);
        chunks.for_each(|((x, gradient), (mean, square))| {
            for (((x, g), m), v) in x.iter_mut().zip(gradient).zip(mean).zip(square) {
                *m = BETA1 * *m + (1.0 - BETA1) * g;
                *v = BETA2 * *v + (1.0 - BETA2) * g * g;
                *x -= rate * *m / ((*v / (1.0 - power2)).sqrt() + EPSILON);
            }
        });
        if let Some(average) = &mut self.average {
            let part = (1.0 - DECAY) / (1.0 - decay);
            average.iter_mut().zip(x).for_each(|(average, x)| *average += part * (*x - *average));
        }
    }

    pub(super) fn save(&self, state: &mut State) {
        state.push(("powers of beta".into(), self.powers.to_vec()));
        state.push(("mean of the gradient".into(), self.mean.clone()));
        state.push(("mean square of the gradient".into(), self.square.clone()));
        state.extend(self.average.iter().map(|average| ("average picture".into(), average.clone())));
    }

    pub(super) fn load(&mut self, state: &[(String, Vec<f32>)], n: usize) -> bool {
        let [(_, powers), (_, mean), (_, square), average @ ..] = state else { return false };
        let fits = average.len() == usize::from(self.average.is_some())
            && [mean, square].into_iter().chain(average.iter().map(|(_, a)| a)).all(|v| v.len() == n);
        let Ok(powers) = <[f32; 3]>::try_from(&powers[..]) else { return false };
        if fits {
            self.powers = powers;
            (self.mean, self.square) = (mean.clone(), square.clone());
            self.average = average.first().map(|(_, average)| average.clone());
        }
        fits
    }
}

//! Adam in the host's memory: see `shaders/adam`.

use rayon::prelude::*;

use super::stored::CHUNK;
use crate::optim::adam::{Moments, Powers};
use crate::optim::state::{State, names};
use crate::optim::step_rules::{AVERAGE_DECAY, BETA1, BETA2, EPSILON};

/// Adam's settings and state.
#[derive(Debug)]
pub(super) struct HostAdam {
    lr: f32,
    pub moments: Moments,
    /// Exponential mean of the images, if it is kept.
    pub average: Option<Vec<f32>>,
}

impl HostAdam {
    pub fn new(lr: f32, average: bool, n: usize) -> Self {
        let zeros = || vec![0.0; n];
        let moments = Moments { powers: Powers::START, mean: zeros(), square: zeros() };
        Self { lr, moments, average: average.then(zeros) }
    }

    /// Resets the means after a divergence.
    pub fn restart(&mut self) {
        self.moments.powers = Powers::START;
        self.moments.mean.fill(0.0);
        self.moments.square.fill(0.0);
    }

    pub fn step(&mut self, x: &mut [f32], gradient: &[f32]) {
        let Moments { powers, mean, square } = &mut self.moments;
        *powers = powers.next();
        let rate = self.lr / (1.0 - powers.beta1);
        let beta2_power = powers.beta2;
        let means = mean.par_chunks_mut(CHUNK).zip(square.par_chunks_mut(CHUNK));
        let chunks = x.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)).zip(means);
        chunks.for_each(|((x, gradient), (mean, square))| {
            for (((x, g), m), v) in x.iter_mut().zip(gradient).zip(mean).zip(square) {
                *m = BETA1 * *m + (1.0 - BETA1) * g;
                *v = BETA2 * *v + (1.0 - BETA2) * g * g;
                *x -= rate * *m / ((*v / (1.0 - beta2_power)).sqrt() + EPSILON);
            }
        });
        if let Some(average) = &mut self.average {
            let part = (1.0 - AVERAGE_DECAY) / (1.0 - powers.average);
            average.iter_mut().zip(x).for_each(|(average, x)| *average += part * (*x - *average));
        }
    }

    pub fn save(&self, state: &mut State) {
        state.push(names::ADAM_POWERS, self.moments.powers.to_array().to_vec());
        state.push(names::ADAM_MEAN, self.moments.mean.clone());
        state.push(names::ADAM_SQUARE, self.moments.square.clone());
        self.average.iter().for_each(|average| state.push(names::ADAM_AVERAGE, average.clone()));
    }

    /// Adam with the same settings in a saved state of `n` numbers; `None` if the state is not of this kind.
    pub fn restored(&self, state: &State, n: usize) -> Option<Self> {
        let vector = |name| state.get(name, n).map(<[f32]>::to_vec);
        let powers = state.get(names::ADAM_POWERS, 3)?;
        let average = vector(names::ADAM_AVERAGE);
        (average.is_some() == self.average.is_some()).then_some(())?;
        let moments = Moments {
            powers: Powers::from_array([powers[0], powers[1], powers[2]]),
            mean: vector(names::ADAM_MEAN)?,
            square: vector(names::ADAM_SQUARE)?,
        };
        Some(Self { lr: self.lr, moments, average })
    }
}

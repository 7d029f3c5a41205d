//! L-BFGS in the host's memory: the two-loop recursion on vectors (Nocedal & Wright 2006, algorithm 7.4).
//!
//! `optim/lbfgs.rs` is the same method on the device; `lbfgs/accept.wgsl` explains the length of its steps.

use std::collections::VecDeque;

use super::Pairs;
use super::smoothing::Smoothing;
use super::stored::Stored;
use crate::optim::state::{State, names};
use crate::optim::step_rules::{
    CUT_AFTER_DIVERGENCE, GROWTH_AFTER_IMPROVEMENT, GROWTH_WITHOUT_PAIRS, LEAST_CURVATURE, LONGEST_STEP,
    first_step,
};

/// Settings and state of L-BFGS.
#[derive(Debug)]
pub(super) struct HostLbfgs {
    lr: f32,
    history: usize,
    pairs: Pairs,
    smoothing: Smoothing,
    /// Oldest first.
    ring: VecDeque<Pair>,
    scalars: Scalars,
    /// The last step.
    s: Vec<f32>,
    gradient_before: Vec<f32>,
}

/// A step and the change of the gradient along it.
#[derive(Debug)]
struct Pair {
    s: Stored,
    y: Stored,
    /// The curvature s.y.
    sy: f64,
}

/// The numbers of the state.
#[derive(Debug, Clone, Copy)]
struct Scalars {
    /// Steps since the start or the last divergence.
    steps: u32,
    /// Scale of the initial inverse Hessian: s.y / y.y of the newest pair.
    gamma: f64,
    /// Factor on the gradient while the history is empty.
    gradient_scale: f32,
    /// Bound on the length of a step, as a root mean square.
    step_limit: f32,
}

impl HostLbfgs {
    pub fn new(lr: f32, history: usize, n: usize, pairs: Pairs, smoothing: Smoothing) -> Self {
        let scalars = Scalars { steps: 0, gamma: 1.0, gradient_scale: 0.0, step_limit: LONGEST_STEP };
        let (ring, s, gradient_before) = (VecDeque::new(), vec![0.0; n], vec![0.0; n]);
        Self { lr, history, pairs, smoothing, ring, scalars, s, gradient_before }
    }

    /// Empties the history after a divergence, and shortens steps.
    pub fn restart(&mut self) {
        self.ring.clear();
        self.scalars.steps = 0;
        self.scalars.step_limit *= CUT_AFTER_DIVERGENCE;
    }

    /// One step; `improved` if the loss at `x` is the lowest so far.
    pub fn step(&mut self, x: &mut [f32], gradient: Vec<f32>, improved: bool) {
        let gradient = self.smoothing.of(gradient);
        if improved {
            self.scalars.step_limit = (GROWTH_AFTER_IMPROVEMENT * self.scalars.step_limit).min(LONGEST_STEP);
        }
        if self.scalars.steps > 0 {
            self.push_pair(&gradient);
        }
        self.scalars.gradient_scale = self.next_gradient_scale(&gradient);
        self.compute_step(&gradient);
        self.limit_length();
        self.smoothing.add(&self.s, x);
        self.gradient_before = gradient;
        self.scalars.steps += 1;
    }

    /// Adds the newest pair to the history if its curvature is large enough.
    fn push_pair(&mut self, gradient: &[f32]) {
        // The previous gradient is not needed any more: its memory takes the change.
        let y = &mut self.gradient_before;
        y.iter_mut().zip(gradient).for_each(|(before, now)| *before = now - *before);
        let s = Stored::new(&self.s, self.pairs);
        if s.dot(y) <= f64::from(LEAST_CURVATURE) {
            return;
        }
        let y = Stored::new(y, self.pairs);
        // From the stored values, rounded or not, so that the recursion's equations hold exactly.
        let sy = s.dot_stored(&y);
        self.scalars.gamma = sy / y.dot_stored(&y);
        if self.ring.len() == self.history {
            self.ring.pop_front();
        }
        self.ring.push_back(Pair { s, y, sy });
    }

    /// The two-loop recursion: the next step, into `self.s`.
    fn compute_step(&mut self, gradient: &[f32]) {
        let q = &mut self.s;
        q.copy_from_slice(gradient);
        let mut alphas = vec![];
        for Pair { s, y, sy } in self.ring.iter().rev() {
            let alpha = s.dot(q) / sy;
            y.add_to(-alpha as f32, q);
            alphas.push(alpha);
        }
        let gamma =
            if self.ring.is_empty() { self.scalars.gradient_scale } else { self.scalars.gamma as f32 };
        q.iter_mut().for_each(|q| *q *= gamma);
        for (Pair { s, y, sy }, alpha) in self.ring.iter().zip(alphas.into_iter().rev()) {
            let beta = y.dot(q) / sy;
            s.add_to((alpha - beta) as f32, q);
        }
        q.iter_mut().for_each(|q| *q *= -self.lr);
    }

    /// Factor on the gradient for a step with an empty history.
    fn next_gradient_scale(&self, gradient: &[f32]) -> f32 {
        let Scalars { steps, gradient_scale, .. } = self.scalars;
        let norm = || gradient.iter().map(|g| f64::from(g.abs())).sum::<f64>();
        let longest = f64::from(LONGEST_STEP) * gradient.len() as f64;
        let may_grow = |norm: f64| norm > 0.0 && f64::from(gradient_scale) * norm < longest;
        match steps {
            0 => (f64::from(first_step(gradient.len())) / norm()).min(1.0) as f32,
            1 => 1.0,
            _ if self.ring.is_empty() && may_grow(norm()) => GROWTH_WITHOUT_PAIRS * gradient_scale,
            _ => gradient_scale,
        }
    }

    /// Scales the step down to the longest that is allowed.
    fn limit_length(&mut self) {
        let square: f64 = self.s.iter().map(|s| f64::from(*s).powi(2)).sum();
        let rms = (square / self.s.len() as f64).sqrt() as f32;
        if rms > self.scalars.step_limit {
            let factor = self.scalars.step_limit / rms;
            self.s.iter_mut().for_each(|s| *s *= factor);
        }
    }

    pub fn save(&self, state: &mut State) {
        state.push(names::LBFGS, self.scalars.to_array(self.ring.len()).to_vec());
        state.push(names::LBFGS_STEP, self.s.clone());
        state.push(names::LBFGS_GRADIENT, self.gradient_before.clone());
        for pair in &self.ring {
            state.push(names::LBFGS_STEPS, pair.s.values());
            state.push(names::LBFGS_CHANGES, pair.y.values());
        }
    }

    /// L-BFGS with the same settings in a saved state of `n` numbers; `None` if the state is not of this kind.
    pub fn restored(&self, state: &State, n: usize) -> Option<Self> {
        let numbers = state.get(names::LBFGS, Scalars::STORED)?;
        let (mut scalars, count) = Scalars::from_slice(numbers)?;
        let vector = |name| state.get(name, n).map(<[f32]>::to_vec);
        let (s, gradient_before) = (vector(names::LBFGS_STEP)?, vector(names::LBFGS_GRADIENT)?);
        let (steps, changes): (Vec<_>, Vec<_>) =
            (state.all(names::LBFGS_STEPS).collect(), state.all(names::LBFGS_CHANGES).collect());
        let of_this_size = steps.iter().chain(&changes).all(|vector| vector.len() == n);
        let complete = steps.len() == count && changes.len() == count && count <= self.history;
        (of_this_size && complete).then_some(())?;
        let pair = |(s, y): (&[f32], &[f32])| {
            let [s, y] = [s, y].map(|values| Stored::new(values, self.pairs));
            let sy = s.dot_stored(&y);
            Pair { s, y, sy }
        };
        let ring: VecDeque<Pair> = steps.into_iter().zip(changes).map(pair).collect();
        if let Some(Pair { y, sy, .. }) = ring.back() {
            // As it was computed, in double precision.
            scalars.gamma = sy / y.dot_stored(y);
        }
        Some(Self {
            smoothing: self.smoothing,
            lr: self.lr,
            history: self.history,
            pairs: self.pairs,
            ring,
            scalars,
            s,
            gradient_before,
        })
    }
}

impl Scalars {
    /// Numbers of a saved state.
    const STORED: usize = 5;

    fn to_array(self, pairs: usize) -> [f32; Self::STORED] {
        [self.steps as f32, self.gamma as f32, self.gradient_scale, self.step_limit, pairs as f32]
    }

    /// The scalars and the number of pairs.
    fn from_slice(numbers: &[f32]) -> Option<(Self, usize)> {
        let [steps, gamma, gradient_scale, step_limit, pairs] = *numbers else { return None };
        Some((
            Self { steps: steps as u32, gamma: f64::from(gamma), gradient_scale, step_limit },
            pairs as usize,
        ))
    }
}

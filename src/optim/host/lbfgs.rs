//! L-BFGS in the host's memory: the two-loop recursion as the textbook has it (Nocedal & Wright 2006,
//! algorithm 7.4), on vectors. See `optim/lbfgs.rs` for the same on the device, and `lbfgs/accept.wgsl` for how
//! far a step may reach and what it is where there is no pair.

use std::collections::VecDeque;

use super::stored::Stored;
use super::{Pairs, State};
use crate::optim::lbfgs::{FURTHEST, first_length};

/// What L-BFGS remembers.
#[derive(Debug)]
pub struct HostLbfgs {
    lr: f32,
    history: usize,
    pairs: Pairs,
    /// Oldest first: step, change of the gradient, and their product.
    ring: VecDeque<(Stored, Stored, f64)>,
    /// Steps since the start or the last divergence.
    steps: u32,
    gamma: f64,
    /// Factor on the gradient where there is no pair to go by.
    descent: f32,
    /// The longest step, as a root mean square.
    reach: f32,
    /// The step taken last.
    s: Vec<f32>,
    gradient_before: Vec<f32>,
}

impl HostLbfgs {
    pub(super) fn new(lr: f32, history: usize, n: usize, pairs: Pairs) -> Self {
        Self {
            lr,
            history,
            pairs,
            ring: VecDeque::new(),
            steps: 0,
            gamma: 1.0,
            descent: 0.0,
            reach: FURTHEST,
            s: vec![0.0; n],
            gradient_before: vec![0.0; n],
        }
    }

    /// Starts afresh after a divergence, with shorter steps.
    pub(super) fn forget(&mut self) {
        self.ring.clear();
        self.steps = 0;
        self.reach /= 4.0;
    }

    /// One step; `improved` if the loss at `x` is the lowest so far.
    pub(super) fn step(&mut self, x: &mut [f32], gradient: Vec<f32>, improved: bool) {
        if improved {
            self.reach = (2.0 * self.reach).min(FURTHEST);
        }
        if self.steps > 0 {
            self.remember(&gradient);
        }
        self.descent = self.next_descent(&gradient);
        self.direct(&gradient);
        self.shorten();
        x.iter_mut().zip(&self.s).for_each(|(x, s)| *x += s);
        self.gradient_before = gradient;
        self.steps += 1;
    }

    /// Keeps the newest pair if its curvature is positive: 1e-10 is PyTorch's bound.
    fn remember(&mut self, gradient: &[f32]) {
        // The old gradient is not needed any more: its memory takes the change.
        let y = &mut self.gradient_before;
        y.iter_mut().zip(gradient).for_each(|(before, now)| *before = now - *before);
        let s = Stored::new(&self.s, self.pairs);
        let curvature = s.dot(y);
        if curvature <= 1e-10 {
            return;
        }
        let kept = Stored::new(y, self.pairs);
        // With what is kept, rounded or not, so that the recursion's equations hold exactly.
        let (sy, yy) = (s.dot_stored(&kept), kept.dot_stored(&kept));
        self.gamma = sy / yy;
        if self.ring.len() == self.history {
            self.ring.pop_front();
        }
        self.ring.push_back((s, kept, sy));
    }

    /// The next step, into `self.s`.
    fn direct(&mut self, gradient: &[f32]) {
        let q = &mut self.s;
        q.copy_from_slice(gradient);
        let mut alphas = vec![];
        for (s, y, sy) in self.ring.iter().rev() {
            let alpha = s.dot(q) / sy;
            y.add_to(-alpha as f32, q);
            alphas.push(alpha);
        }
        let gamma = if self.ring.is_empty() { self.descent } else { self.gamma as f32 };
        q.iter_mut().for_each(|q| *q *= gamma);
        for ((s, y, sy), alpha) in self.ring.iter().zip(alphas.into_iter().rev()) {
            let beta = y.dot(q) / sy;
            s.add_to((alpha - beta) as f32, q);
        }
        q.iter_mut().for_each(|q| *q *= -self.lr);
    }

    /// Factor on the gradient for a step that has no pair to go by.
    fn next_descent(&self, gradient: &[f32]) -> f32 {
        let norm = || gradient.iter().map(|g| f64::from(g.abs())).sum::<f64>();
        let furthest = f64::from(FURTHEST) * gradient.len() as f64;
        let may_grow = |norm: f64| norm > 0.0 && f64::from(self.descent) * norm < furthest;
        match self.steps {
            0 => (f64::from(first_length(gradient.len())) / norm()).min(1.0) as f32,
            1 => 1.0,
            _ if self.ring.is_empty() && may_grow(norm()) => 4.0 * self.descent,
            _ => self.descent,
        }
    }

    /// Cuts the step to its reach.
    fn shorten(&mut self) {
        let square: f64 = self.s.iter().map(|s| f64::from(*s).powi(2)).sum();
        let rms = (square / self.s.len() as f64).sqrt() as f32;
        if rms > self.reach {
            let factor = self.reach / rms;
            self.s.iter_mut().for_each(|s| *s *= factor);
        }
    }

    pub(super) fn save(&self, state: &mut State) {
        let numbers =
            vec![self.steps as f32, self.gamma as f32, self.descent, self.reach, self.ring.len() as f32];
        state.push(("state of L-BFGS".into(), numbers));
        state.push(("L-BFGS step".into(), self.s.clone()));
        state.push(("gradient before".into(), self.gradient_before.clone()));
        for (s, y, _) in &self.ring {
            state.push(("L-BFGS history of steps".into(), s.values()));
            state.push(("L-BFGS history of gradients".into(), y.values()));
        }
    }

    pub(super) fn load(&mut self, state: &[(String, Vec<f32>)], n: usize) -> bool {
        let [(_, numbers), (_, s), (_, before), ring @ ..] = state else { return false };
        let [steps, gamma, descent, reach, pairs] = numbers[..] else { return false };
        let fits = ring.len() == 2 * pairs as usize && pairs as usize <= self.history;
        if !fits || [s, before].into_iter().chain(ring.iter().map(|(_, v)| v)).any(|v| v.len() != n) {
            return false;
        }
        self.steps = steps as u32;
        (self.descent, self.reach) = (descent, reach);
        (self.s, self.gradient_before) = (s.clone(), before.clone());
        let pair = |pair: &[(String, Vec<f32>)]| {
            let [s, y] = [&pair[0].1, &pair[1].1].map(|values| Stored::new(values, self.pairs));
            let sy = s.dot_stored(&y);
            (s, y, sy)
        };
        self.ring = ring.chunks_exact(2).map(pair).collect();
        self.gamma = match self.ring.back() {
            // As it was computed, in double precision.
            Some((_, y, sy)) => sy / y.dot_stored(y),
            None => f64::from(gamma),
        };
        true
    }
}

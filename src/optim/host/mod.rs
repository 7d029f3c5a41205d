//! The optimisers in the host's memory, for pictures whose state would not fit the device's.
//!
//! The same steps as on the device, guard included, in plain loops over all processors. Next to an evaluation
//! in tiles they cost nothing. Sums are taken in double precision and in an order that does not depend on the
//! number of threads, so a run gives the same bytes twice.

mod adam;
mod lbfgs;
mod stored;

pub use adam::HostAdam;
pub use lbfgs::HostLbfgs;

use super::{Guard, Method};
use crate::error::Result;

/// How the pairs of L-BFGS are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pairs {
    /// Four bytes a number.
    #[default]
    Single,
    /// Two bytes a number, each vector scaled to the range of f16: for long histories of large pictures.
    Half,
}

/// An optimiser at work on a picture in the host's memory.
#[derive(Debug)]
pub struct HostOptimizer {
    x: Vec<f32>,
    best: Vec<f32>,
    best_loss: f32,
    restarts: u32,
    memory: HostMemory,
}

/// What a method remembers from one update to the next.
#[derive(Debug)]
pub enum HostMemory {
    /// See [`Adam`](super::Adam).
    Adam(HostAdam),
    /// See `optim/lbfgs.rs`.
    Lbfgs(HostLbfgs),
}

/// Numbers of the state, as a checkpoint keeps them.
pub type State = Vec<(String, Vec<f32>)>;

impl HostOptimizer {
    /// An optimiser that begins at `start`.
    ///
    /// # Errors
    /// As [`Method::check`].
    pub fn new(method: Method, start: &[f32], pairs: Pairs) -> Result<Self> {
        method.check()?;
        let n = start.len();
        let memory = match method {
            Method::Adam { lr, average } => HostMemory::Adam(HostAdam::new(lr, average, n)),
            Method::Lbfgs { lr, history } => {
                HostMemory::Lbfgs(HostLbfgs::new(lr, history as usize, n, pairs))
            }
        };
        let best = vec![0.0; n];
        Ok(Self { x: start.to_vec(), best, best_loss: f32::MAX, restarts: 0, memory })
    }

    /// The variable.
    pub fn x(&self) -> &[f32] {
        &self.x
    }

    /// The variable with the lowest loss so far; `None` if no loss was ever finite.
    pub fn best(&self) -> Option<&[f32]> {
        (self.best_loss < f32::MAX).then_some(&self.best)
    }

    /// How often the loss has run away.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// What the method remembers.
    pub fn memory(&self) -> &HostMemory {
        &self.memory
    }

    /// The same, to be overwritten.
    pub fn memory_mut(&mut self) -> &mut HostMemory {
        &mut self.memory
    }

    /// Whether an update with this loss at [`x`](Self::x) would go back to the best picture.
    pub fn runs_away(&self, loss: f32) -> bool {
        !loss.is_finite() || loss > Guard::GROWTH * self.best_loss
    }

    /// One update, from the loss and the gradient at [`x`](Self::x).
    pub fn update(&mut self, loss: f32, gradient: Vec<f32>) {
        let diverged = self.runs_away(loss);
        let improved = !diverged && loss < self.best_loss;
        if diverged {
            self.restarts += 1;
            self.x.copy_from_slice(&self.best);
        } else if improved {
            self.best_loss = loss;
            self.best.copy_from_slice(&self.x);
        }
        match &mut self.memory {
            HostMemory::Adam(adam) if diverged => adam.forget(),
            HostMemory::Lbfgs(lbfgs) if diverged => lbfgs.forget(),
            HostMemory::Adam(adam) => adam.step(&mut self.x, &gradient),
            HostMemory::Lbfgs(lbfgs) => lbfgs.step(&mut self.x, gradient, improved),
        }
    }

    /// Everything that decides how it goes on.
    pub fn state(&self) -> State {
        let guard = vec![self.best_loss, self.restarts as f32];
        let mut state = vec![
            ("x".into(), self.x.clone()),
            ("best picture".into(), self.best.clone()),
            ("guard in the host's memory".into(), guard),
        ];
        match &self.memory {
            HostMemory::Adam(adam) => adam.save(&mut state),
            HostMemory::Lbfgs(lbfgs) => lbfgs.save(&mut state),
        }
        state
    }

    /// Goes on from a state that an optimiser of the same method and size gave. False, and nothing changed,
    /// if it is of another.
    pub fn restore(&mut self, state: &State) -> bool {
        let n = self.x.len();
        let [(_, x), (_, best), (_, guard), memory @ ..] = &state[..] else { return false };
        if x.len() != n || best.len() != n || guard.len() != 2 {
            return false;
        }
        let restored = match &mut self.memory {
            HostMemory::Adam(adam) => adam.load(memory, n),
            HostMemory::Lbfgs(lbfgs) => lbfgs.load(memory, n),
        };
        if restored {
            (self.x, self.best) = (x.clone(), best.clone());
            (self.best_loss, self.restarts) = (guard[0], guard[1] as u32);
        }
        restored
    }

    /// Bytes that a method takes for `n` numbers, the gradient that it is given counted.
    pub fn bytes(method: Method, n: usize, pairs: Pairs) -> u64 {
        // The variable, the best one and the gradient; then what the method keeps.
        let vectors = 3 + match method {
            Method::Adam { average, .. } => 2 + u64::from(average),
            Method::Lbfgs { .. } => 2,
        };
        let single = 4 * n as u64;
        let pair = match pairs {
            Pairs::Single => 2 * single,
            Pairs::Half => single,
        };
        let history = match method {
            Method::Adam { .. } => 0,
            Method::Lbfgs { history, .. } => u64::from(history),
        };
        vectors * single + history * pair
    }
}

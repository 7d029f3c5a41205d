//! The optimisers in the host's memory, for images whose optimiser state does not fit the device.
//!
//! They take the same steps as on the device, guard included, in plain loops over all processors; their time is
//! negligible next to an evaluation in tiles. Sums are in double precision and in an order that does not depend on the
//! number of threads, so that two runs give the same bytes.

mod adam;
mod lbfgs;
mod smoothing;
mod stored;

use adam::HostAdam;
use lbfgs::HostLbfgs;
use smoothing::Smoothing;

use super::state::{State, names};
use super::step_rules::DIVERGENCE_FACTOR;
use super::{Method, Moments};
use crate::error::Result;
use crate::gpu::Shape;

/// Storage precision of the L-BFGS history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pairs {
    /// Four bytes a number.
    #[default]
    Single,
    /// Two bytes a number, each vector scaled to the range of f16: for long histories of large images.
    Half,
}

/// An optimiser in the host's memory.
#[derive(Debug)]
pub struct HostOptimizer {
    x: Vec<f32>,
    best: Vec<f32>,
    best_loss: f32,
    restarts: u32,
    method: MethodState,
}

/// State that the method keeps between updates.
#[derive(Debug)]
enum MethodState {
    Adam(HostAdam),
    Lbfgs(HostLbfgs),
}

impl HostOptimizer {
    /// An optimiser that begins at `start`, a variable of `shape`.
    ///
    /// # Errors
    /// As [`Method::check`].
    pub fn new(method: Method, shape: Shape, start: &[f32], pairs: Pairs) -> Result<Self> {
        method.check()?;
        let n = start.len();
        let method = match method {
            Method::Adam { lr, average } => MethodState::Adam(HostAdam::new(lr, average, n)),
            Method::Lbfgs { lr, history, smoothing } => {
                let smoothing = Smoothing::new(shape, smoothing);
                MethodState::Lbfgs(HostLbfgs::new(lr, history as usize, n, pairs, smoothing))
            }
        };
        Ok(Self { x: start.to_vec(), best: vec![0.0; n], best_loss: f32::MAX, restarts: 0, method })
    }

    /// The variable.
    pub fn x(&self) -> &[f32] {
        &self.x
    }

    /// The variable with the lowest loss so far; `None` if no loss was finite.
    pub fn best(&self) -> Option<&[f32]> {
        (self.best_loss < f32::MAX).then_some(&self.best)
    }

    /// Exponential mean of the images, if the method keeps it.
    pub fn average(&self) -> Option<&[f32]> {
        match &self.method {
            MethodState::Adam(adam) => adam.average.as_deref(),
            MethodState::Lbfgs(_) => None,
        }
    }

    /// Adam's running means, if the method is Adam.
    pub fn moments(&self) -> Option<&Moments> {
        match &self.method {
            MethodState::Adam(adam) => Some(&adam.moments),
            MethodState::Lbfgs(_) => None,
        }
    }

    /// Overwrites Adam's running means; does nothing for another method.
    pub fn set_moments(&mut self, moments: &Moments) {
        if let MethodState::Adam(adam) = &mut self.method {
            adam.moments.clone_from(moments);
        }
    }

    /// Number of losses that diverged.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Whether an update with this loss would restore the best image.
    pub fn diverges(&self, loss: f32) -> bool {
        !loss.is_finite() || loss > DIVERGENCE_FACTOR * self.best_loss
    }

    /// One update, from the loss and the gradient at [`x`](Self::x).
    pub fn update(&mut self, loss: f32, gradient: Vec<f32>) {
        if self.diverges(loss) {
            self.restarts += 1;
            self.x.copy_from_slice(&self.best);
            return match &mut self.method {
                MethodState::Adam(adam) => adam.restart(),
                MethodState::Lbfgs(lbfgs) => lbfgs.restart(),
            };
        }
        let improved = loss < self.best_loss;
        if improved {
            self.best_loss = loss;
            self.best.copy_from_slice(&self.x);
        }
        match &mut self.method {
            MethodState::Adam(adam) => adam.step(&mut self.x, &gradient),
            MethodState::Lbfgs(lbfgs) => lbfgs.step(&mut self.x, gradient, improved),
        }
    }

    /// Everything that determines later updates.
    pub fn state(&self) -> State {
        let mut state = State::default();
        state.push(names::X, self.x.clone());
        state.push(names::BEST, self.best.clone());
        state.push(names::HOST_GUARD, vec![self.best_loss, self.restarts as f32]);
        match &self.method {
            MethodState::Adam(adam) => adam.save(&mut state),
            MethodState::Lbfgs(lbfgs) => lbfgs.save(&mut state),
        }
        state
    }

    /// Continues from a state that an optimiser of the same method and size gave. Returns false, with nothing
    /// changed, if the state is not of this kind.
    pub fn restore(&mut self, state: &State) -> bool {
        let restored = self.restored(state);
        let fits = restored.is_some();
        restored.into_iter().for_each(|restored| *self = restored);
        fits
    }

    fn restored(&self, state: &State) -> Option<Self> {
        let n = self.x.len();
        let guard = state.get(names::HOST_GUARD, 2)?;
        let method = match &self.method {
            MethodState::Adam(adam) => MethodState::Adam(adam.restored(state, n)?),
            MethodState::Lbfgs(lbfgs) => MethodState::Lbfgs(lbfgs.restored(state, n)?),
        };
        Some(Self {
            x: state.get(names::X, n)?.to_vec(),
            best: state.get(names::BEST, n)?.to_vec(),
            best_loss: guard[0],
            restarts: guard[1] as u32,
            method,
        })
    }

    /// Bytes that a method takes for `n` numbers, the gradient included.
    pub fn bytes(method: Method, n: usize, pairs: Pairs) -> u64 {
        let vector = 4 * n as u64;
        let pair = match pairs {
            Pairs::Single => 2 * vector,
            Pairs::Half => vector,
        };
        // The variable, the best image and the gradient; then the method's state.
        3 * vector
            + match method {
                Method::Adam { average, .. } => (2 + u64::from(average)) * vector,
                Method::Lbfgs { history, .. } => 3 * vector + u64::from(history) * pair,
            }
    }
}

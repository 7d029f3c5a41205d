//! The optimisers: they move the picture against the gradient of the loss.
//!
//! On the GPU an update is one recording: the [`Guard`] looks at the loss that was just computed, then Adam or
//! L-BFGS takes its step. No number goes by way of the CPU, so an evaluation and its update are one
//! submit. For pictures in tiles the same steps are taken in the host's memory: see [`HostOptimizer`].

mod adam;
mod guard;
mod host;
mod lbfgs;
mod suspect;

pub use adam::Adam;
pub use guard::Guard;
pub use host::{HostAdam, HostLbfgs, HostMemory, HostOptimizer, Pairs, State};
pub use lbfgs::MOST_PAIRS;
pub use suspect::Suspect;

use crate::error::{Error, Result, Setting};
use crate::gpu::{Gpu, Recording, Shader, Tensor};

/// Every kernel of the optimisers.
pub const SHADERS: [&[Shader]; 4] = [&guard::SHADERS, &adam::SHADERS, &lbfgs::SHADERS, &suspect::SHADERS];

/// What is minimised: tensors that an evaluation fills and an update reads.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The variable; updates change it.
    pub x: Tensor,
    /// d loss / dx, of the shape of `x`.
    pub gradient: Tensor,
    /// The loss: one number.
    pub loss: Tensor,
}

/// Which optimiser, with its settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Adam (Kingma & Ba 2015) with the usual constants: beta1 0.9, beta2 0.999, epsilon 1e-8.
    Adam {
        /// Length of a step, about the change of each value per step (in levels of 255 here).
        lr: f32,
        /// Keeps a running average of the pictures, with a decay of 0.99, which is then the result.
        average: bool,
    },
    /// L-BFGS (Liu & Nocedal 1989) without a line search. ARCHITECTURE.md tells how long its steps are.
    Lbfgs {
        /// Factor on each quasi-Newton step.
        lr: f32,
        /// How many pairs are remembered, 1 to [`MOST_PAIRS`].
        history: u32,
    },
}

impl Method {
    /// Step length of Adam: about two grey levels.
    pub const ADAM_LR: f32 = 2.0;
    /// Step length of L-BFGS: whole quasi-Newton steps.
    pub const LBFGS_LR: f32 = 1.0;

    /// The same with a history of so many pairs, if it has one.
    pub fn remembering(self, history: u32) -> Self {
        match self {
            Self::Lbfgs { lr, .. } => Self::Lbfgs { lr, history },
            adam => adam,
        }
    }

    /// Finds settings that cannot work.
    ///
    /// # Errors
    /// [`Error::Setting`] for a step length that is not above 0 or a history outside its range.
    pub fn check(&self) -> Result<()> {
        let (Self::Adam { lr, .. } | Self::Lbfgs { lr, .. }) = *self;
        if !(lr > 0.0 && lr.is_finite()) {
            return Err(Error::setting(Setting::Lr, format!("must be above 0, not {lr}")));
        }
        let Self::Lbfgs { history, .. } = *self else { return Ok(()) };
        if !(1..=MOST_PAIRS).contains(&history) {
            let problem = format!("must be from 1 to {MOST_PAIRS}, not {history}");
            return Err(Error::setting(Setting::History, problem));
        }
        Ok(())
    }
}

/// An optimiser at work on a problem.
#[derive(Debug)]
pub struct Optimizer {
    /// One update: to be submitted after each evaluation of loss and gradient.
    pub update: Recording,
    guard: Guard,
    memory: Memory,
}

/// What a method remembers.
#[derive(Debug)]
enum Memory {
    Adam(Box<Adam>),
    Lbfgs(Vec<Tensor>),
}

impl Optimizer {
    /// Allocates the state of `method` and records its update. Upload the first picture to
    /// `problem.x` before the first submit.
    ///
    /// # Errors
    /// As [`Method::check`]; [`Error::Gpu`] or [`Error::TooLarge`] when memory runs out.
    pub fn new(gpu: &Gpu, method: Method, problem: &Problem) -> Result<Self> {
        method.check()?;
        let mut update = Recording::named(gpu, "update");
        let guard = Guard::record(&mut update, problem)?;
        let memory = match method {
            Method::Adam { lr, average } => {
                Memory::Adam(Box::new(adam::record(&mut update, problem, &guard, lr, average)?))
            }
            Method::Lbfgs { lr, history } => {
                Memory::Lbfgs(lbfgs::record(&mut update, problem, &guard, lr, history)?)
            }
        };
        Ok(Self { update, guard, memory })
    }

    /// Bytes on the device that a method takes for `n` numbers, the variable and the gradient not counted.
    pub fn bytes(method: Method, n: usize) -> u64 {
        let vectors = match method {
            Method::Adam { average, .. } => 3 + u64::from(average),
            Method::Lbfgs { history, .. } => 4 + 2 * u64::from(history),
        };
        vectors * 4 * n as u64
    }

    /// The best picture and how the run is doing.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Everything that the method remembers from one update to the next.
    pub fn memory(&self) -> Vec<&Tensor> {
        match &self.memory {
            Memory::Adam(adam) => {
                [&adam.powers, &adam.mean, &adam.square].into_iter().chain(&adam.average).collect()
            }
            Memory::Lbfgs(tensors) => tensors.iter().collect(),
        }
    }

    /// Adam's state, if the method is Adam.
    pub fn adam(&self) -> Option<&Adam> {
        match &self.memory {
            Memory::Adam(adam) => Some(adam),
            Memory::Lbfgs(_) => None,
        }
    }
}

//! An optimiser on the device: one recording for an update, and the tensors that carry its state.

use super::adam::{self, Adam, Moments};
use super::state::names;
use super::{Guard, Method, Problem, State, lbfgs};
use crate::error::Result;
use crate::gpu::{Gpu, PassKind, Recording, Tensor};

/// An optimiser of one problem on the device.
#[derive(Debug)]
pub struct Optimizer {
    /// One update: to be submitted after each evaluation of loss and gradient.
    pub update: Recording,
    x: Tensor,
    guard: Guard,
    method: MethodState,
}

/// State that the method keeps between updates.
#[derive(Debug)]
enum MethodState {
    Adam(Box<Adam>),
    Lbfgs(Vec<(&'static str, Tensor)>),
}

impl Optimizer {
    /// Allocates the state of `method` and records its update. Upload the initial image to `problem.x` before the
    /// first submission.
    ///
    /// # Errors
    /// As [`Method::check`]; [`Error::Gpu`](crate::Error::Gpu) or [`Error::TooLarge`](crate::Error::TooLarge) when
    /// memory runs out.
    pub fn new(gpu: &Gpu, method: Method, problem: &Problem) -> Result<Self> {
        method.check()?;
        let mut update = Recording::of_pass(gpu, PassKind::Update);
        let guard = Guard::record(&mut update, problem)?;
        let method = match method {
            Method::Adam { lr, average } => {
                MethodState::Adam(Box::new(adam::record(&mut update, problem, &guard, lr, average)?))
            }
            Method::Lbfgs { lr, history, smoothing } => {
                MethodState::Lbfgs(lbfgs::record(&mut update, problem, &guard, lr, history, smoothing)?)
            }
        };
        Ok(Self { update, x: problem.x.clone(), guard, method })
    }

    /// Bytes on the device that a method takes for `n` numbers, without the variable and the gradient.
    pub fn bytes(method: Method, n: usize) -> u64 {
        let vectors = match method {
            Method::Adam { average, .. } => 3 + u64::from(average),
            Method::Lbfgs { history, .. } => 5 + 2 * u64::from(history),
        };
        vectors * 4 * n as u64
    }

    /// The divergence guard, which holds the best image.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Exponential mean of the images, of the variable's shape, if the method keeps it.
    pub fn average(&self) -> Option<&Tensor> {
        self.adam().and_then(|adam| adam.average.as_ref())
    }

    /// Adam's running means, if the method is Adam.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn moments(&self, gpu: &Gpu) -> Result<Option<Moments>> {
        self.adam().map(|adam| adam.read(gpu)).transpose()
    }

    /// Overwrites Adam's running means; does nothing for another method.
    pub fn set_moments(&self, gpu: &Gpu, moments: &Moments) {
        self.adam().iter().for_each(|adam| adam.write(gpu, moments));
    }

    /// Contents of every tensor that determines later updates: the variable, the guard's and the method's.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn state(&self, gpu: &Gpu) -> Result<State> {
        let read = |(name, tensor): (&str, &Tensor)| Ok((name.to_string(), gpu.read(tensor)?));
        self.tensors().into_iter().map(read).collect::<Result<_>>().map(State)
    }

    /// Continues from a state that an optimiser of the same method and size gave. Returns false, with nothing
    /// changed, if the state has other arrays.
    pub fn restore(&self, gpu: &Gpu, State(arrays): &State) -> bool {
        let tensors = self.tensors();
        let fits = |((name, tensor), (found, values)): (&(&str, &Tensor), &(String, Vec<f32>))| {
            name == found && tensor.shape().len() == values.len()
        };
        let alike = tensors.len() == arrays.len() && tensors.iter().zip(arrays).all(fits);
        if alike {
            tensors.iter().zip(arrays).for_each(|((_, tensor), (_, values))| gpu.write(tensor, values));
        }
        alike
    }

    fn tensors(&self) -> Vec<(&'static str, &Tensor)> {
        let mut tensors =
            vec![(names::X, &self.x), (names::GUARD, self.guard.state()), (names::BEST, self.guard.best())];
        match &self.method {
            MethodState::Adam(adam) => tensors.extend(adam.tensors()),
            MethodState::Lbfgs(lbfgs) => tensors.extend(lbfgs.iter().map(|(name, tensor)| (*name, tensor))),
        }
        tensors
    }

    fn adam(&self) -> Option<&Adam> {
        match &self.method {
            MethodState::Adam(adam) => Some(adam),
            MethodState::Lbfgs(_) => None,
        }
    }
}

//! Reverse-mode automatic differentiation over GPU tensors, in three stages.
//!
//! A *node* is a leaf or an operation applied to earlier nodes. Its *value* is the tensor that it stands for: an input of
//! the program for a leaf, the output of the operation otherwise. Values of operations are also called *activations*. A
//! *result* is whatever a step computes: a value, or the gradient of one.
//!
//! 1. [`Graph::apply`] adds an operation to the graph; nothing is computed yet.
//! 2. [`Graph::plan`] lists the steps that compute the requested values and gradient (`autograd`), finds from which
//!    step to which each result is needed (`liveness`), and assigns results to slots (`plan`). It allocates
//!    nothing, so a run that does not fit can be refused before it starts.
//! 3. [`Graph::compile`] allocates an [`Arena`], which is a buffer for each slot and the scratch memory, and records the
//!    steps as a [`Program`]: a forward and a backward pass, which can be submitted any number of times.
//!
//! [`Program::first_not_finite`] (`inspect`) then finds the operation that computes NaN or infinity, if one does.
//!
//! `examples/autograd.rs` does all three for `relu(conv(x))`.

mod arena;
mod autograd;
mod compile;
mod inspect;
mod liveness;
mod nodes;
mod op;
mod plan;
mod program;
#[cfg(test)]
mod tests;

pub use arena::{Arena, ArenaSize};
pub use inspect::{NotFinite, Quantity};
pub use nodes::{Graph, NodeId};
pub use op::{Backward, Forward, Gradient, Op, Reads};
pub use plan::{Activations, Differentiate, MemoryPlan, Request, Slot};
pub use program::Program;

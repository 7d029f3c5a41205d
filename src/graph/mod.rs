//! Reverse-mode automatic differentiation over GPU tensors, in three passes over a small graph.
//!
//! 1. [`Graph::apply`] adds an operation to the graph; nothing is computed yet.
//! 2. [`Graph::plan`] lists the steps that compute the requested values and gradient (`autograd`), finds from which
//!    step to which each result is needed (`liveness`), and assigns results to buffers (`plan`). It needs no
//!    device, so a run that does not fit can be refused before it starts.
//! 3. [`Graph::compile`] allocates the buffers and records the steps as a [`Program`]: a forward and a backward
//!    pass, which can be submitted any number of times.
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

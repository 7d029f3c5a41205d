//! A compiled graph: buffers allocated, both passes recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::inspect::StepOutput;
use super::{Arena, NodeId};
use crate::gpu::{Recording, Tensor};

/// The recorded passes of a graph and the tensors that they work on.
#[derive(Debug)]
pub struct Program {
    /// Computes the values.
    pub forward: Recording,
    /// Computes the gradient; run it after `forward`. Empty if none was requested.
    pub backward: Recording,
    /// Leaves and kept values.
    pub(super) readable: BTreeMap<NodeId, Tensor>,
    pub(super) gradient: Option<Tensor>,
    pub(super) seeds: Vec<Tensor>,
    /// The leaves with their labels, and what the commands compute, for `first_not_finite`.
    pub(super) leaves: Vec<(String, Tensor)>,
    pub(super) step_outputs: Vec<StepOutput>,
    /// Held so that memory accounting still counts the buffers, which the bind groups keep alive anyway.
    pub(super) _arena: Arc<Arena>,
}

impl Program {
    /// A leaf, or a value that the [request](super::Request) keeps; the latter after a forward pass.
    ///
    /// # Panics
    /// For any other node: its memory holds other values by then.
    pub fn value(&self, node: NodeId) -> &Tensor {
        self.readable.get(&node).expect("only leaves and kept values can be read")
    }

    /// The gradient with respect to the input, after a backward pass; `None` if none was requested. It has the input's
    /// dimensions and layout; that of an f16 value is stored in bf16.
    pub fn gradient(&self) -> Option<&Tensor> {
        self.gradient.as_ref()
    }

    /// The gradients that the backward pass starts from, one for each output of
    /// [`Differentiate`](super::Differentiate): 1 unless overwritten.
    pub fn seeds(&self) -> &[Tensor] {
        &self.seeds
    }
}

//! A small reverse-mode autograd graph: apply operations, plan memory, record, run.
//!
//! Applying an operation only notes it down. [`Graph::plan`] decides which values live when and who
//! may take whose memory; it touches no device, so a run can be refused before it starts.
//! [`Graph::compile`] allocates and records the forward and the backward pass once; each step then
//! submits those recordings again.

mod arena;
mod inspect;
mod op;
mod plan;
mod program;
mod schedule;

pub use arena::{Arena, ArenaSize};
pub use inspect::{NotFinite, Produce};
pub use op::{Backward, Forward, Gradient, Op, Reads, Scratch, ScratchSize};
pub use plan::{MemoryPlan, Slot};
pub use program::Program;
pub use schedule::Activations;

use crate::gpu::Shape;

/// Names a value of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(usize);

/// A value: a leaf given from outside, or an operation applied to earlier values.
struct Node {
    label: String,
    shape: Shape,
    inputs: Vec<NodeId>,
    op: Option<Box<dyn Op>>,
}

/// The tape: values in the order in which they were applied, which is an order to compute them in.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<Node>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// A value that the caller gives when the graph is compiled.
    pub fn leaf(&mut self, label: &str, shape: Shape) -> NodeId {
        self.push(Node { label: label.into(), shape, inputs: vec![], op: None })
    }

    /// Applies an operation to earlier values.
    pub fn apply(&mut self, label: &str, op: Box<dyn Op>, inputs: &[NodeId]) -> NodeId {
        let shapes = self.shapes(inputs);
        let shape = op.output(&shapes);
        self.push(Node { label: label.into(), shape, inputs: inputs.into(), op: Some(op) })
    }

    /// Shape of a value.
    pub fn shape(&self, node: NodeId) -> Shape {
        self.nodes[node.0].shape
    }

    /// Decides where each value and gradient lives. `keep` are values to be read after the forward
    /// pass. `differentiate` are the values to differentiate, which nothing else may read, and the leaf with
    /// respect to which: the backward pass turns a gradient of each of them, its *seed*, into the leaf's.
    pub fn plan(&self, keep: &[NodeId], differentiate: Option<(&[NodeId], NodeId)>) -> MemoryPlan {
        self.plan_with(keep, differentiate, Activations::Kept)
    }

    /// The same with a choice of what becomes of values that the backward pass reads.
    pub fn plan_with(
        &self,
        keep: &[NodeId],
        differentiate: Option<(&[NodeId], NodeId)>,
        activations: Activations,
    ) -> MemoryPlan {
        plan::plan(self, keep, differentiate, activations)
    }

    fn shapes(&self, nodes: &[NodeId]) -> Vec<Shape> {
        nodes.iter().map(|node| self.shape(*node)).collect()
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    /// For each node, whether its gradient is needed: it lies on a differentiable way from
    /// `from` (the leaf) to one of `to` (the outputs).
    fn needs_gradient(&self, from: NodeId, to: &[NodeId]) -> Vec<bool> {
        let edges = |node: &Node| -> Vec<usize> {
            let Some(op) = &node.op else { return vec![] };
            (0..node.inputs.len()).filter(|i| op.differentiable(*i)).map(|i| node.inputs[i].0).collect()
        };
        let mut reached = vec![false; self.nodes.len()];
        reached[from.0] = true;
        for (i, node) in self.nodes.iter().enumerate() {
            reached[i] = reached[i] || edges(node).into_iter().any(|input| reached[input]);
        }
        let mut wanted = vec![false; self.nodes.len()];
        to.iter().for_each(|output| wanted[output.0] = true);
        for (i, node) in self.nodes.iter().enumerate().rev() {
            if wanted[i] {
                edges(node).into_iter().for_each(|input| wanted[input] = true);
            }
        }
        reached.into_iter().zip(wanted).map(|(reached, wanted)| reached && wanted).collect()
    }
}

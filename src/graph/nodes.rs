//! The graph: leaves, and operations applied to earlier values.

use std::collections::BTreeSet;

use super::Op;
use crate::gpu::Shape;

/// Identifies a node of a graph, and with it the node's value. Numbers grow in the order of the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(usize);

/// A leaf, or an operation with its inputs.
struct Node {
    label: String,
    shape: Shape,
    inputs: Vec<NodeId>,
    /// `None` for a leaf.
    op: Option<Box<dyn Op>>,
}

/// Nodes in the order in which they were added, so every node comes after its inputs.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<Node>,
    checkpoints: BTreeSet<NodeId>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value that the caller provides when the graph is compiled.
    pub fn leaf(&mut self, label: &str, shape: Shape) -> NodeId {
        self.push(Node { label: label.into(), shape, inputs: vec![], op: None })
    }

    /// Applies an operation to earlier values. `label` names the node in messages and timings.
    pub fn apply(&mut self, label: &str, op: Box<dyn Op>, inputs: &[NodeId]) -> NodeId {
        let shape = op.output_shape(&self.shapes(inputs));
        self.push(Node { label: label.into(), shape, inputs: inputs.into(), op: Some(op) })
    }

    /// Marks a value as a checkpoint, from which [`Activations::Recomputed`](super::Activations::Recomputed) starts. A
    /// good checkpoint is small compared with the values that follow it.
    pub fn checkpoint(&mut self, node: NodeId) {
        self.checkpoints.insert(node);
    }

    /// Shape of a value.
    pub fn shape(&self, node: NodeId) -> Shape {
        self.nodes[node.0].shape
    }

    /// Shapes of the inputs of a node's operation.
    pub(super) fn input_shapes(&self, node: NodeId) -> Vec<Shape> {
        self.shapes(self.inputs(node))
    }

    pub(super) fn label(&self, node: NodeId) -> &str {
        &self.nodes[node.0].label
    }

    pub(super) fn inputs(&self, node: NodeId) -> &[NodeId] {
        &self.nodes[node.0].inputs
    }

    /// The operation of a node; `None` for a leaf.
    pub(super) fn op(&self, node: NodeId) -> Option<&dyn Op> {
        self.nodes[node.0].op.as_deref()
    }

    pub(super) fn is_leaf(&self, node: NodeId) -> bool {
        self.op(node).is_none()
    }

    pub(super) fn leaves(&self) -> impl Iterator<Item = NodeId> {
        (0..self.nodes.len()).map(NodeId).filter(|node| self.is_leaf(*node))
    }

    /// The nodes that are computed, in order.
    pub(super) fn operations(&self) -> impl DoubleEndedIterator<Item = NodeId> {
        (0..self.nodes.len()).map(NodeId).filter(|node| !self.is_leaf(*node))
    }

    pub(super) fn is_checkpoint(&self, node: NodeId) -> bool {
        self.checkpoints.contains(&node)
    }

    /// The segment of a node: how many checkpoints come strictly before it. A checkpoint is the last node of its
    /// segment.
    pub(super) fn segment_of(&self, node: NodeId) -> usize {
        self.checkpoints.range(..node).count()
    }

    fn shapes(&self, nodes: &[NodeId]) -> Vec<Shape> {
        nodes.iter().map(|node| self.shape(*node)).collect()
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }
}

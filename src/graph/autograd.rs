//! Turns a graph into the steps that compute it: the forward pass, then the backward pass.
//!
//! The forward pass computes values in the order of the graph, so the inputs of each are there before it. The
//! backward pass visits the same nodes in reverse order. When it reaches a node, every operation that reads the node's
//! value has added its part to the node's gradient, so that gradient is complete; by the chain rule the step
//! then adds to the gradients of the node's inputs.
//!
//! Steps do not determine where results are stored: see `liveness` and `plan`.

use std::collections::BTreeSet;

use super::{Activations, Differentiate, Graph, NodeId, Reads, Request};

/// One step of a program, with its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Computes the node's value.
    Forward(NodeId),
    /// Computes the node's value a second time, in the backward pass.
    Recompute(NodeId),
    /// Computes the gradients of the node's inputs from the gradient of its output.
    Backward(NodeId),
}

/// The steps of a program, in order.
pub(super) fn steps(graph: &Graph, request: &Request) -> Vec<Step> {
    let differentiated = differentiated(graph, request);
    let backward = graph.operations().rev().filter(|node| differentiated.contains(node));
    let backward: Vec<Step> = backward.map(Step::Backward).collect();
    let read = backward.iter().flat_map(|step| step.reads(graph));
    let computed = with_ancestors(graph, read.chain(request.keep.iter().copied()), |_| true);
    let forward = graph.operations().filter(|node| computed.contains(node)).map(Step::Forward);
    match request.activations {
        Activations::Kept => forward.chain(backward).collect(),
        Activations::Recomputed => forward.chain(with_recomputation(graph, request, &backward)).collect(),
    }
}

/// The nodes whose gradient is needed: those on a differentiable path from the input to one of the outputs.
fn differentiated(graph: &Graph, request: &Request) -> BTreeSet<NodeId> {
    let Some(Differentiate { outputs, input }) = &request.differentiate else { return BTreeSet::new() };
    let mut depends_on_input = BTreeSet::from([*input]);
    for node in graph.operations() {
        if differentiable_inputs(graph, node).any(|input| depends_on_input.contains(&input)) {
            depends_on_input.insert(node);
        }
    }
    let mut leads_to_output = BTreeSet::from_iter(outputs.iter().copied());
    for node in graph.operations().rev() {
        if leads_to_output.contains(&node) {
            leads_to_output.extend(differentiable_inputs(graph, node));
        }
    }
    &depends_on_input & &leads_to_output
}

/// The inputs of a node through which gradients pass.
pub(super) fn differentiable_inputs(graph: &Graph, node: NodeId) -> impl Iterator<Item = NodeId> {
    let passes = move |k: usize| graph.op(node).is_some_and(|op| op.differentiable(k));
    graph.inputs(node).iter().enumerate().filter(move |(k, _)| passes(*k)).map(|(_, input)| *input)
}

/// `nodes` and their ancestors, as far as `included` holds: a node for which it does not is left out, and its inputs are
/// not searched from there.
fn with_ancestors(
    graph: &Graph,
    nodes: impl Iterator<Item = NodeId>,
    included: impl Fn(NodeId) -> bool,
) -> BTreeSet<NodeId> {
    let mut found: BTreeSet<NodeId> = nodes.filter(|node| included(*node)).collect();
    for node in graph.operations().rev() {
        if found.contains(&node) {
            found.extend(graph.inputs(node).iter().filter(|input| included(**input)));
        }
    }
    found
}

/// The backward pass under [`Activations::Recomputed`]. Checkpoints divide the graph into segments, each of which ends
/// with its checkpoint. Before the backward steps of a segment, those of its values that they need are computed again,
/// from the checkpoint of the segment before it. Those of the last segment are still in memory.
fn with_recomputation(graph: &Graph, request: &Request, backward: &[Step]) -> Vec<Step> {
    let segment = |step: &Step| graph.segment_of(step.node());
    let last_segment = backward.first().map(segment);
    let mut steps = vec![];
    for segment_steps in backward.chunk_by(|a, b| segment(a) == segment(b)) {
        let segment_index = segment(&segment_steps[0]);
        let discarded = |node: NodeId| {
            let stays = graph.is_leaf(node) || graph.is_checkpoint(node) || request.keep.contains(&node);
            graph.segment_of(node) == segment_index && Some(segment_index) != last_segment && !stays
        };
        let read = segment_steps.iter().flat_map(|step| step.reads(graph));
        steps.extend(with_ancestors(graph, read, discarded).into_iter().map(Step::Recompute));
        steps.extend(segment_steps);
    }
    steps
}

impl Step {
    /// The node that the step is about.
    pub fn node(self) -> NodeId {
        let (Self::Forward(node) | Self::Recompute(node) | Self::Backward(node)) = self;
        node
    }

    /// The nodes whose values the step reads.
    pub fn reads(self, graph: &Graph) -> Vec<NodeId> {
        let node = self.node();
        let reads = match self {
            Self::Forward(_) | Self::Recompute(_) => Reads { inputs: true, output: false },
            Self::Backward(_) => graph.op(node).map(|op| op.backward_reads()).unwrap_or_default(),
        };
        let inputs = graph.inputs(node).iter().copied().filter(|_| reads.inputs);
        inputs.chain(reads.output.then_some(node)).collect()
    }
}

//! In which order a graph is computed.

use super::op::Reads;
use super::{Graph, NodeId};

/// What becomes of the values that a backward pass reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activations {
    /// They stay in memory until then.
    #[default]
    Kept,
    /// Only those at the poolings stay. What lies between two of them is computed once more when the backward
    /// pass comes there: less memory for one more forward pass (Chen et al. 2016, arXiv:1604.06174).
    Recomputed,
}

/// Something that happens to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Its value is computed, in the forward pass.
    Forward(usize),
    /// Its value is computed once more, in the backward pass.
    Recompute(usize),
    /// The gradients of its inputs are computed from its own.
    Backward(usize),
}

impl Step {
    /// The node that it happens to.
    pub fn node(self) -> usize {
        let (Self::Forward(i) | Self::Recompute(i) | Self::Backward(i)) = self;
        i
    }

    /// The nodes whose values it reads.
    pub fn reads(self, graph: &Graph) -> Vec<usize> {
        let i = self.node();
        let node = &graph.nodes[i];
        let reads = match (&node.op, self) {
            (None, _) => Reads::default(),
            (Some(op), Self::Backward(_)) => op.backward_reads(),
            (Some(_), _) => Reads { inputs: true, output: false },
        };
        let inputs = node.inputs.iter().filter(|_| reads.inputs).map(|input| input.0);
        inputs.chain(reads.output.then_some(i)).collect()
    }
}

/// Everything that happens, in order: the forward pass, then the backward pass.
pub(super) fn schedule(
    graph: &Graph,
    keep: &[NodeId],
    differentiated: &[bool],
    activations: Activations,
) -> Vec<Step> {
    let all = 0..graph.nodes.len();
    let backward = all.clone().rev().filter(|i| differentiated[*i] && graph.nodes[*i].op.is_some());
    let backward: Vec<Step> = backward.map(Step::Backward).collect();
    let mut computed = read_by(graph, &backward, |_| true);
    keep.iter().for_each(|node| computed[node.0] = true);
    add_inputs(graph, &mut computed, |_| true);
    let forward = all.filter(|i| computed[*i] && graph.nodes[*i].op.is_some()).map(Step::Forward);
    let backward = match activations {
        Activations::Kept => backward,
        Activations::Recomputed => recomputing(graph, keep, &backward),
    };
    forward.chain(backward).collect()
}

/// For each node, whether one of these events reads its value.
fn read_by(graph: &Graph, steps: &[Step], counts: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut read = vec![false; graph.nodes.len()];
    steps.iter().flat_map(|step| step.reads(graph)).filter(|i| counts(*i)).for_each(|i| read[i] = true);
    read
}

/// Adds what it takes to compute these nodes.
fn add_inputs(graph: &Graph, nodes: &mut [bool], counts: impl Fn(usize) -> bool) {
    for i in (0..nodes.len()).rev().filter(|i| graph.nodes[*i].op.is_some()) {
        if nodes[i] {
            graph.nodes[i].inputs.iter().filter(|k| counts(k.0)).for_each(|input| nodes[input.0] = true);
        }
    }
}

/// A backward pass in which each segment, from one pooling to the next, is computed again before it goes backward.
/// The last is still there from the forward pass.
fn recomputing(graph: &Graph, keep: &[NodeId], backward: &[Step]) -> Vec<Step> {
    let ends = |i: usize| graph.nodes[i].op.as_ref().is_some_and(|op| op.is_checkpoint_boundary());
    let ends: Vec<usize> = (0..graph.nodes.len()).filter(|i| ends(*i)).collect();
    let segment_of = |i: usize| ends.iter().filter(|end| **end < i).count();
    let mut steps = vec![];
    for segment in (0..=ends.len()).rev() {
        let own = backward.iter().filter(|step| segment_of(step.node()) == segment);
        let own: Vec<Step> = own.copied().collect();
        if segment < ends.len() {
            let inside = |i: usize| {
                segment_of(i) == segment
                    && graph.nodes[i].op.is_some()
                    && !ends.contains(&i)
                    && !keep.contains(&NodeId(i))
            };
            let mut again = read_by(graph, &own, inside);
            add_inputs(graph, &mut again, inside);
            steps.extend((0..again.len()).filter(|i| again[*i]).map(Step::Recompute));
        }
        steps.extend(own);
    }
    steps
}

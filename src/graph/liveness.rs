//! Live ranges: from which step to which a value or a gradient needs memory.

use std::collections::BTreeMap;
use std::ops::Range;

use super::autograd::{Step, differentiable_inputs};
use super::{Differentiate, Graph, NodeId, Request};
use crate::gpu::{Precision, Shape};

/// A value or gradient, and the steps during which it needs memory.
pub(super) struct LiveRange {
    /// Indices of steps; the end is `usize::MAX` for what can be read after the program ran.
    pub steps: Range<usize>,
    pub bytes: u64,
    pub stored: Stored,
}

/// What needs memory.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stored {
    /// The value that the step of this index computes.
    Value(usize),
    /// The gradient of a node.
    Gradient(NodeId),
}

/// The live ranges of a program, those of values first.
pub(super) fn live_ranges(graph: &Graph, request: &Request, steps: &[Step]) -> Vec<LiveRange> {
    let mut ranges = values(graph, request, steps);
    ranges.extend(gradients(graph, request, steps));
    ranges
}

/// A value lives from the step that computes it to the last step that reads it. A recomputed value has a range for each
/// computation, and a step reads the latest.
fn values(graph: &Graph, request: &Request, steps: &[Step]) -> Vec<LiveRange> {
    let mut ranges: Vec<LiveRange> = vec![];
    let mut latest: BTreeMap<NodeId, usize> = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        for node in step.reads(graph) {
            latest.get(&node).into_iter().for_each(|range| ranges[*range].steps.end = index + 1);
        }
        if let Step::Forward(node) | Step::Recompute(node) = *step {
            latest.insert(node, ranges.len());
            let bytes = graph.shape(node).bytes();
            ranges.push(LiveRange { steps: index..index + 1, bytes, stored: Stored::Value(index) });
        }
    }
    for node in &request.keep {
        latest.get(node).into_iter().for_each(|range| ranges[*range].steps.end = usize::MAX);
    }
    ranges
}

/// A gradient lives from the first backward step that adds to it to the backward step of its own node. Those of the
/// outputs, the seeds, live for the whole program; that of the input lives from its first write to the end.
fn gradients(graph: &Graph, request: &Request, steps: &[Step]) -> Vec<LiveRange> {
    let Some(Differentiate { outputs, input }) = &request.differentiate else { return vec![] };
    let mut starts: BTreeMap<NodeId, usize> = outputs.iter().map(|output| (*output, 0)).collect();
    let mut ends: BTreeMap<NodeId, usize> = BTreeMap::new();
    for (index, step) in steps.iter().enumerate() {
        let Step::Backward(node) = *step else { continue };
        ends.insert(node, index + 1);
        for input in differentiable_inputs(graph, node) {
            starts.entry(input).or_insert(index);
        }
    }
    ends.extend(outputs.iter().chain([input]).map(|node| (*node, usize::MAX)));
    let range = |(node, start): (NodeId, usize)| {
        let bytes = gradient_shape(graph.shape(node)).bytes();
        // A node without an end is not differentiated: it has no backward step and is not the input.
        Some(LiveRange { steps: start..*ends.get(&node)?, bytes, stored: Stored::Gradient(node) })
    };
    starts.into_iter().filter_map(range).collect()
}

/// Shape of a gradient: the dimensions and layout of the value. Gradients of f16 values are stored in bf16, which takes
/// as many bytes, because they span more orders of magnitude than f16 has.
pub(super) fn gradient_shape(value: Shape) -> Shape {
    match value.precision {
        Precision::F16 => value.stored_in(Precision::Bf16),
        Precision::F32 | Precision::Bf16 => value,
    }
}

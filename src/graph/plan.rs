//! What is computed when, and where it lives: values and gradients take turns in as few bytes as a greedy rule
//! finds.
//!
//! A program is a list of events. A value lives from the event that computes it to the last that reads it. Going
//! through the births in order, each takes the free slot that fits best, or enlarges the largest free one, or
//! opens a new one. Slots are separate buffers, not parts of one arena: a buffer may not be bound for reading and
//! for writing in one dispatch, and no single buffer grows beyond the largest tensor.

use super::schedule::{Activations, Step, schedule};
use super::{Graph, NodeId, ScratchSize};
use crate::gpu::{Precision, Shape, Use};

/// One buffer of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Its size: the largest of those that take turns in it.
    pub bytes: u64,
    /// What it counts as: activations if it ever holds a value, else gradients.
    pub what: Use,
}

/// Where each value and gradient of a graph lives.
#[derive(Debug)]
pub struct MemoryPlan {
    /// The buffers to make.
    pub slots: Vec<Slot>,
    /// Scratch that all operations share.
    pub scratch: ScratchSize,
    /// What happens, and in which slot the value lives that an event computes.
    pub(super) steps: Vec<(Step, Option<usize>)>,
    /// Slot of each node's gradient; `None` where it is not needed.
    pub(super) gradients: Vec<Option<usize>>,
    /// Nodes on the way from the leaf to what is differentiated.
    pub(super) differentiated: Vec<bool>,
    /// What is differentiated, and by which leaf.
    pub(super) differentiate: Option<(Vec<NodeId>, NodeId)>,
}

impl MemoryPlan {
    /// The slots from the largest to the smallest.
    pub(super) fn by_size(&self) -> Vec<usize> {
        let mut slots: Vec<usize> = (0..self.slots.len()).collect();
        slots.sort_by_key(|slot| std::cmp::Reverse(self.slots[*slot].bytes));
        slots
    }
}

/// A value or gradient that wants memory from `start` to `end`, both included.
struct LiveRange {
    start: usize,
    end: usize,
    bytes: u64,
    value: Value,
}

/// Whose life it is.
#[derive(Clone, Copy)]
enum Value {
    /// The value that this event computes.
    Value(usize),
    /// The gradient of this node.
    Gradient(usize),
}

/// For what is read after the program ran.
const FOR_EVER: usize = usize::MAX - 1;

pub(super) fn plan(
    graph: &Graph,
    keep: &[NodeId],
    differentiate: Option<(&[NodeId], NodeId)>,
    activations: Activations,
) -> MemoryPlan {
    let n = graph.nodes.len();
    let differentiated = match differentiate {
        Some((outputs, leaf)) => graph.needs_gradient(leaf, outputs),
        None => vec![false; n],
    };
    let steps = schedule(graph, keep, &differentiated, activations);
    let mut live_ranges = values(graph, keep, &steps);
    live_ranges.extend(gradients(graph, &differentiated, differentiate, &steps));
    live_ranges.sort_by_key(|range| (range.start, std::cmp::Reverse(range.bytes)));

    let mut plan = MemoryPlan {
        slots: vec![],
        scratch: scratch(graph),
        steps: steps.into_iter().map(|step| (step, None)).collect(),
        gradients: vec![None; n],
        differentiated,
        differentiate: differentiate.map(|(outputs, leaf)| (outputs.to_vec(), leaf)),
    };
    let mut taken_until: Vec<usize> = vec![];
    for range in live_ranges {
        let what = match range.value {
            Value::Value(_) => Use::Activations,
            Value::Gradient(_) => Use::Gradients,
        };
        let slot = choose(&plan.slots, &taken_until, &range).unwrap_or_else(|| {
            plan.slots.push(Slot { bytes: 0, what });
            taken_until.push(0);
            plan.slots.len() - 1
        });
        let chosen = &mut plan.slots[slot];
        chosen.bytes = chosen.bytes.max(range.bytes);
        chosen.what = chosen.what.min(what);
        taken_until[slot] = range.end + 1;
        match range.value {
            Value::Value(step) => plan.steps[step].1 = Some(slot),
            Value::Gradient(node) => plan.gradients[node] = Some(slot),
        }
    }
    plan
}

/// The smallest free slot that is large enough, else the largest free one.
fn choose(slots: &[Slot], taken_until: &[usize], range: &LiveRange) -> Option<usize> {
    let free = || (0..slots.len()).filter(|slot| taken_until[*slot] <= range.start);
    free()
        .filter(|slot| slots[*slot].bytes >= range.bytes)
        .min_by_key(|slot| slots[*slot].bytes)
        .or_else(|| free().max_by_key(|slot| slots[*slot].bytes))
}

/// A life for each computed value. One that is computed again has another, and who reads it then reads that.
fn values(graph: &Graph, keep: &[NodeId], steps: &[Step]) -> Vec<LiveRange> {
    let mut live_ranges: Vec<LiveRange> = vec![];
    let mut latest: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    for (time, step) in steps.iter().enumerate() {
        for node in step.reads(graph) {
            latest[node].into_iter().for_each(|range| live_ranges[range].end = time);
        }
        if let Step::Forward(i) | Step::Recompute(i) = *step {
            latest[i] = Some(live_ranges.len());
            let bytes = graph.nodes[i].shape.bytes();
            live_ranges.push(LiveRange { start: time, end: time, bytes, value: Value::Value(time) });
        }
    }
    for node in keep {
        latest[node.0].into_iter().for_each(|range| live_ranges[range].end = FOR_EVER);
    }
    live_ranges
}

/// A gradient is born when the last consumer of its value goes backward, and dies in the backward pass of the
/// node itself; the leaf's stays.
fn gradients(
    graph: &Graph,
    differentiated: &[bool],
    differentiate: Option<(&[NodeId], NodeId)>,
    steps: &[Step],
) -> Vec<LiveRange> {
    let Some((outputs, leaf)) = differentiate else { return vec![] };
    let mut starts: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    let mut ends = starts.clone();
    // The seeds are there before anything else happens.
    outputs.iter().for_each(|output| starts[output.0] = Some(0));
    for (time, step) in steps.iter().enumerate() {
        let Step::Backward(i) = *step else { continue };
        ends[i] = Some(time);
        for input in &graph.nodes[i].inputs {
            starts[input.0].get_or_insert(time);
        }
    }
    let stays = |i: usize| i == leaf.0 || outputs.contains(&NodeId(i));
    (0..graph.nodes.len())
        .filter(|i| differentiated[*i])
        .filter_map(|i| {
            let start = starts[i]?;
            let end = if stays(i) { FOR_EVER } else { ends[i].unwrap_or(start) };
            let bytes = gradient_shape(graph.nodes[i].shape).bytes();
            Some(LiveRange { start, end, bytes, value: Value::Gradient(i) })
        })
        .collect()
}

/// The gradient of a value takes as many bytes. Gradients span more orders of magnitude than f16 has.
pub(super) fn gradient_shape(value: Shape) -> Shape {
    match value.precision {
        Precision::F16 => value.stored_in(Precision::Bf16),
        Precision::F32 | Precision::Bf16 => value,
    }
}

/// The largest scratch that any operation asks for, entry by entry.
fn scratch(graph: &Graph) -> ScratchSize {
    let mut all = ScratchSize::default();
    for node in &graph.nodes {
        let Some(op) = &node.op else { continue };
        all.enlarge(&op.scratch(&graph.shapes(&node.inputs)));
    }
    all
}

//! The memory plan: assigns the values and gradients of a program to buffers, which they share over time.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::autograd::{Step, steps};
use super::liveness::{LiveRange, Stored, live_ranges};
use super::{Graph, NodeId};
use crate::gpu::{ScratchSize, Use};

/// What a program computes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Values that can be read after the forward pass.
    pub keep: Vec<NodeId>,
    /// What the backward pass differentiates; `None` for a program without a backward pass.
    pub differentiate: Option<Differentiate>,
    /// Whether values that the backward pass reads are kept or recomputed.
    pub activations: Activations,
}

/// A vector-Jacobian product: the sum over `outputs` of seed * d output / d input. Seeds are 1 by default; see
/// [`Program::seeds`](super::Program::seeds) (`grad_outputs` in PyTorch).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differentiate {
    /// Must be values that no operation reads.
    pub outputs: Vec<NodeId>,
    /// Must be a leaf.
    pub input: NodeId,
}

/// How long values stay in memory that the backward pass reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activations {
    /// Until the backward pass has read them.
    #[default]
    Kept,
    /// Leaves, kept values and [checkpoints](Graph::checkpoint) stay, and the values after the last checkpoint, where the
    /// backward pass begins. All others are computed a second time in the backward pass, from the checkpoint before
    /// them: less memory for at most one more forward pass (Chen et al. 2016, arXiv:1604.06174).
    Recomputed,
}

/// One buffer of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Size of the buffer: that of the largest value or gradient in it.
    pub bytes: u64,
    /// Category in the memory report: activations if the buffer ever holds a value, else gradients.
    pub what: Use,
}

/// The steps of a program, and the buffer of each value and gradient.
#[derive(Debug)]
pub struct MemoryPlan {
    /// The buffers to allocate.
    pub slots: Vec<Slot>,
    /// Scratch memory that all operations share, since one runs at a time.
    pub scratch: ScratchSize,
    pub(super) request: Request,
    pub(super) steps: Vec<Step>,
    /// The slot of the value that a step computes, by the index of the step.
    pub(super) values: BTreeMap<usize, usize>,
    /// The slot of each gradient that is computed.
    pub(super) gradients: BTreeMap<NodeId, usize>,
}

impl Graph {
    /// Lists the steps of a program and assigns their results to buffers. Allocates nothing.
    pub fn plan(&self, request: Request) -> MemoryPlan {
        let steps = steps(self, &request);
        let ranges = live_ranges(self, &request, &steps);
        let (values, gradients) = (BTreeMap::new(), BTreeMap::new());
        let mut plan =
            MemoryPlan { slots: vec![], scratch: scratch(self), request, steps, values, gradients };
        plan.assign(ranges);
        plan
    }
}

impl MemoryPlan {
    /// Gives each live range, in the order of their starts, the free slot that fits best, or enlarges the largest free
    /// slot, or adds a slot. Slots are separate buffers, not parts of one: a buffer cannot be bound for reading and for
    /// writing in one dispatch, and no buffer has to be larger than the largest tensor.
    fn assign(&mut self, mut ranges: Vec<LiveRange>) {
        ranges.sort_by_key(|range| (range.steps.start, Reverse(range.bytes)));
        // The first step at which each slot is free.
        let mut free_from: Vec<usize> = vec![];
        for range in ranges {
            let what = match range.stored {
                Stored::Value(_) => Use::Activations,
                Stored::Gradient(_) => Use::Gradients,
            };
            let slot = best_fit(&self.slots, &free_from, &range).unwrap_or_else(|| {
                self.slots.push(Slot { bytes: 0, what });
                free_from.push(0);
                self.slots.len() - 1
            });
            let chosen = &mut self.slots[slot];
            chosen.bytes = chosen.bytes.max(range.bytes);
            // `Use` lists activations before gradients.
            chosen.what = chosen.what.min(what);
            free_from[slot] = range.steps.end;
            match range.stored {
                Stored::Value(step) => self.values.insert(step, slot),
                Stored::Gradient(node) => self.gradients.insert(node, slot),
            };
        }
    }

    /// The slots from the largest to the smallest, the order of an arena's buffers.
    pub(super) fn by_size(&self) -> Vec<usize> {
        let mut slots: Vec<usize> = (0..self.slots.len()).collect();
        slots.sort_by_key(|slot| Reverse(self.slots[*slot].bytes));
        slots
    }
}

/// The smallest free slot that is large enough, else the largest free one.
fn best_fit(slots: &[Slot], free_from: &[usize], range: &LiveRange) -> Option<usize> {
    let free = || (0..slots.len()).filter(|slot| free_from[*slot] <= range.steps.start);
    free()
        .filter(|slot| slots[*slot].bytes >= range.bytes)
        .min_by_key(|slot| slots[*slot].bytes)
        .or_else(|| free().max_by_key(|slot| slots[*slot].bytes))
}

/// Scratch memory that is large enough for each operation: the maximum of every entry of their [`ScratchSize`]s.
fn scratch(graph: &Graph) -> ScratchSize {
    let mut all = ScratchSize::default();
    for node in graph.operations() {
        let size = graph.op(node).map(|op| op.scratch(&graph.input_shapes(node)));
        size.iter().for_each(|size| all.enlarge(size));
    }
    all
}

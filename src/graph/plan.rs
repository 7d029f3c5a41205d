//! Who lives where: values and gradients take turns in as few bytes as a greedy rule finds.
//!
//! Time is counted in operations: node i computes its value at time i, and its backward pass runs at
//! time 2n - 1 - i. A value lives from its own time to its last reader's. Going through the births
//! in order, each takes the free slot that fits best, or enlarges the largest free one, or opens a new
//! one. Slots are separate buffers, not parts of one arena: a buffer may not be bound for reading and
//! for writing in one dispatch, and no single buffer grows beyond the largest tensor.

use super::{Graph, NodeId, Reads, ScratchSize};
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
    /// Slot of each node's value; `None` for leaves, which the caller owns.
    pub(super) values: Vec<Option<usize>>,
    /// Slot of each node's gradient; `None` where it is not needed or the leaf's, which the caller reads.
    pub(super) gradients: Vec<Option<usize>>,
    /// Nodes on the way from the leaf to the loss.
    pub(super) differentiated: Vec<bool>,
    /// Nodes whose values anyone reads: the others' forward pass is left out.
    pub(super) computed: Vec<bool>,
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

/// A value or gradient that wants memory from `birth` to `death`, both included.
struct Life {
    birth: usize,
    death: usize,
    bytes: u64,
    what: Use,
    /// Where to note the slot: index of the node.
    node: usize,
}

pub(super) fn plan(graph: &Graph, keep: &[NodeId], differentiate: Option<(&[NodeId], NodeId)>) -> MemoryPlan {
    let n = graph.nodes.len();
    let differentiated = match differentiate {
        Some((outputs, leaf)) => graph.on_the_way(leaf, outputs),
        None => vec![false; n],
    };
    let mut lives = values(graph, keep, &differentiated);
    lives.extend(gradients(graph, &differentiated, differentiate));
    lives.sort_by_key(|life| (life.birth, std::cmp::Reverse(life.bytes)));

    let mut plan = MemoryPlan {
        slots: vec![],
        scratch: scratch(graph),
        values: vec![None; n],
        gradients: vec![None; n],
        computed: computed(graph, keep, &differentiated),
        differentiated,
        differentiate: differentiate.map(|(outputs, leaf)| (outputs.to_vec(), leaf)),
    };
    let mut taken_until: Vec<usize> = vec![];
    for life in lives {
        let slot = choose(&plan.slots, &taken_until, &life).unwrap_or_else(|| {
            plan.slots.push(Slot { bytes: 0, what: life.what });
            taken_until.push(0);
            plan.slots.len() - 1
        });
        let chosen = &mut plan.slots[slot];
        chosen.bytes = chosen.bytes.max(life.bytes);
        chosen.what = chosen.what.min(life.what);
        taken_until[slot] = life.death + 1;
        let of = if life.what == Use::Activations { &mut plan.values } else { &mut plan.gradients };
        of[life.node] = Some(slot);
    }
    plan
}

/// The smallest free slot that is large enough, else the largest free one.
fn choose(slots: &[Slot], taken_until: &[usize], life: &Life) -> Option<usize> {
    let free = || (0..slots.len()).filter(|slot| taken_until[*slot] <= life.birth);
    free()
        .filter(|slot| slots[*slot].bytes >= life.bytes)
        .min_by_key(|slot| slots[*slot].bytes)
        .or_else(|| free().max_by_key(|slot| slots[*slot].bytes))
}

/// The time of a node's backward pass.
fn backward_time(n: usize, node: usize) -> usize {
    2 * n - 1 - node
}

fn values(graph: &Graph, keep: &[NodeId], differentiated: &[bool]) -> Vec<Life> {
    let n = graph.nodes.len();
    let mut deaths: Vec<usize> = (0..n).collect();
    for (i, node) in graph.nodes.iter().enumerate() {
        let Some(op) = &node.op else { continue };
        let reads = op.backward_reads();
        let backward = differentiated[i].then(|| backward_time(n, i));
        for input in &node.inputs {
            let last = backward.filter(|_| reads.inputs).unwrap_or(i);
            deaths[input.0] = deaths[input.0].max(last);
        }
        if reads.output {
            deaths[i] = deaths[i].max(backward.unwrap_or(i));
        }
    }
    keep.iter().for_each(|node| deaths[node.0] = usize::MAX - 1);
    let owned = (0..n).filter(|i| graph.nodes[*i].op.is_some());
    owned
        .map(|i| Life {
            birth: i,
            death: deaths[i],
            bytes: graph.nodes[i].shape.bytes(),
            what: Use::Activations,
            node: i,
        })
        .collect()
}

/// A gradient is born when the last consumer of its value goes backward, and dies in the backward
/// pass of the node itself; the leaf's stays.
fn gradients(
    graph: &Graph,
    differentiated: &[bool],
    differentiate: Option<(&[NodeId], NodeId)>,
) -> Vec<Life> {
    let Some((outputs, leaf)) = differentiate else { return vec![] };
    let n = graph.nodes.len();
    let mut births: Vec<usize> = (0..n).map(|i| backward_time(n, i)).collect();
    // The seeds are there before anything else happens.
    outputs.iter().for_each(|output| births[output.0] = 0);
    for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| differentiated[*i]) {
        for input in &node.inputs {
            births[input.0] = births[input.0].min(backward_time(n, i));
        }
    }
    (0..n)
        .filter(|i| differentiated[*i])
        .map(|i| Life {
            birth: births[i],
            death: if i == leaf.0 || outputs.contains(&NodeId(i)) {
                usize::MAX - 1
            } else {
                backward_time(n, i)
            },
            bytes: gradient_shape(graph.nodes[i].shape).bytes(),
            what: Use::Gradients,
            node: i,
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

/// For each node, whether its value must be computed: it is kept, or something reads it.
fn computed(graph: &Graph, keep: &[NodeId], differentiated: &[bool]) -> Vec<bool> {
    let mut computed = vec![false; graph.nodes.len()];
    keep.iter().for_each(|node| computed[node.0] = true);
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        let Some(op) = &node.op else { continue };
        let reads = if differentiated[i] { op.backward_reads() } else { Reads::default() };
        computed[i] |= reads.output;
        if computed[i] || reads.inputs {
            node.inputs.iter().for_each(|input| computed[input.0] = true);
        }
    }
    computed
}

//! Who lives where: values and gradients take turns in as few bytes as a greedy rule finds.
//!
//! Time is counted in operations: node i computes its value at time i, and its backward pass runs at
//! time 2n - 1 - i. A value lives from its own time to its last reader's. Going through the births
//! in order, each takes the free slot that fits best, or enlarges the largest free one, or opens a new
//! one. Slots are separate buffers, not parts of one arena: a buffer may not be bound for reading and
//! for writing in one dispatch, and no single buffer grows beyond the largest tensor.

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
    /// Slot of each node's value; `None` for leaves, which the caller owns.
    pub(super) values: Vec<Option<usize>>,
    /// Slot of each node's gradient; `None` where it is not needed or the leaf's, which the caller reads.
    pub(super) gradients: Vec<Option<usize>>,
    /// Nodes on the way from the leaf to the loss.
    pub(super) differentiated: Vec<bool>,
    /// The scalar and the leaf.
    pub(super) differentiate: Option<(NodeId, NodeId)>,
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

pub(super) fn plan(graph: &Graph, keep: &[NodeId], differentiate: Option<(NodeId, NodeId)>) -> MemoryPlan {
    let n = graph.nodes.len();
    let differentiated = match differentiate {
        Some((loss, leaf)) => graph.on_the_way(leaf, loss),
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
        differentiated,
        differentiate,
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
fn gradients(graph: &Graph, differentiated: &[bool], differentiate: Option<(NodeId, NodeId)>) -> Vec<Life> {
    let Some((loss, leaf)) = differentiate else { return vec![] };
    let n = graph.nodes.len();
    let mut births: Vec<usize> = (0..n).map(|i| backward_time(n, i)).collect();
    // The seed of the loss is there before anything else happens.
    births[loss.0] = 0;
    for (i, node) in graph.nodes.iter().enumerate().filter(|(i, _)| differentiated[*i]) {
        for input in &node.inputs {
            births[input.0] = births[input.0].min(backward_time(n, i));
        }
    }
    (0..n)
        .filter(|i| differentiated[*i])
        .map(|i| Life {
            birth: births[i],
            death: if i == leaf.0 || i == loss.0 { usize::MAX - 1 } else { backward_time(n, i) },
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
        let size = op.scratch(&graph.shapes(&node.inputs));
        for (i, shape) in size.buffers.iter().copied().enumerate() {
            match all.buffers.get_mut(i) {
                Some(largest) if largest.bytes() >= shape.bytes() => {}
                Some(largest) => *largest = shape,
                None => all.buffers.push(shape),
            }
        }
        let among: Vec<_> = all.textures.iter().map(|texture| texture.precision).collect();
        for (place, texture) in size.matching(&among).into_iter().zip(&size.textures) {
            match place {
                Some(i) => all.textures[i].vectors = all.textures[i].vectors.max(texture.vectors),
                None => all.textures.push(*texture),
            }
        }
    }
    all
}

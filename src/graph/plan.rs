//! What is computed when, and where it lives: values and gradients take turns in as few bytes as a greedy rule
//! finds.
//!
//! A program is a list of events. A value lives from the event that computes it to the last that reads it. Going
//! through the births in order, each takes the free slot that fits best, or enlarges the largest free one, or
//! opens a new one. Slots are separate buffers, not parts of one arena: a buffer may not be bound for reading and
//! for writing in one dispatch, and no single buffer grows beyond the largest tensor.

use super::schedule::{Activations, Event, schedule};
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
    pub(super) events: Vec<(Event, Option<usize>)>,
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

/// A value or gradient that wants memory from `birth` to `death`, both included.
struct Life {
    birth: usize,
    death: usize,
    bytes: u64,
    holder: Holder,
}

/// Whose life it is.
#[derive(Clone, Copy)]
enum Holder {
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
        Some((outputs, leaf)) => graph.on_the_way(leaf, outputs),
        None => vec![false; n],
    };
    let events = schedule(graph, keep, &differentiated, activations);
    let mut lives = values(graph, keep, &events);
    lives.extend(gradients(graph, &differentiated, differentiate, &events));
    lives.sort_by_key(|life| (life.birth, std::cmp::Reverse(life.bytes)));

    let mut plan = MemoryPlan {
        slots: vec![],
        scratch: scratch(graph),
        events: events.into_iter().map(|event| (event, None)).collect(),
        gradients: vec![None; n],
        differentiated,
        differentiate: differentiate.map(|(outputs, leaf)| (outputs.to_vec(), leaf)),
    };
    let mut taken_until: Vec<usize> = vec![];
    for life in lives {
        let what = match life.holder {
            Holder::Value(_) => Use::Activations,
            Holder::Gradient(_) => Use::Gradients,
        };
        let slot = choose(&plan.slots, &taken_until, &life).unwrap_or_else(|| {
            plan.slots.push(Slot { bytes: 0, what });
            taken_until.push(0);
            plan.slots.len() - 1
        });
        let chosen = &mut plan.slots[slot];
        chosen.bytes = chosen.bytes.max(life.bytes);
        chosen.what = chosen.what.min(what);
        taken_until[slot] = life.death + 1;
        match life.holder {
            Holder::Value(event) => plan.events[event].1 = Some(slot),
            Holder::Gradient(node) => plan.gradients[node] = Some(slot),
        }
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

/// A life for each computed value. One that is computed again has another, and who reads it then reads that.
fn values(graph: &Graph, keep: &[NodeId], events: &[Event]) -> Vec<Life> {
    let mut lives: Vec<Life> = vec![];
    let mut latest: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    for (time, event) in events.iter().enumerate() {
        for node in event.reads(graph) {
            latest[node].into_iter().for_each(|life| lives[life].death = time);
        }
        if let Event::Forward(i) | Event::Again(i) = *event {
            latest[i] = Some(lives.len());
            let bytes = graph.nodes[i].shape.bytes();
            lives.push(Life { birth: time, death: time, bytes, holder: Holder::Value(time) });
        }
    }
    for node in keep {
        latest[node.0].into_iter().for_each(|life| lives[life].death = FOR_EVER);
    }
    lives
}

/// A gradient is born when the last consumer of its value goes backward, and dies in the backward pass of the
/// node itself; the leaf's stays.
fn gradients(
    graph: &Graph,
    differentiated: &[bool],
    differentiate: Option<(&[NodeId], NodeId)>,
    events: &[Event],
) -> Vec<Life> {
    let Some((outputs, leaf)) = differentiate else { return vec![] };
    let mut births: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    let mut deaths = births.clone();
    // The seeds are there before anything else happens.
    outputs.iter().for_each(|output| births[output.0] = Some(0));
    for (time, event) in events.iter().enumerate() {
        let Event::Backward(i) = *event else { continue };
        deaths[i] = Some(time);
        for input in &graph.nodes[i].inputs {
            births[input.0].get_or_insert(time);
        }
    }
    let stays = |i: usize| i == leaf.0 || outputs.contains(&NodeId(i));
    (0..graph.nodes.len())
        .filter(|i| differentiated[*i])
        .filter_map(|i| {
            let birth = births[i]?;
            let death = if stays(i) { FOR_EVER } else { deaths[i].unwrap_or(birth) };
            let bytes = gradient_shape(graph.nodes[i].shape).bytes();
            Some(Life { birth, death, bytes, holder: Holder::Gradient(i) })
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

//! Steps and memory plans of small graphs.

use super::autograd::Step;
use super::*;
use crate::error::Result;
use crate::gpu::{Recording, Shape, Use};

/// An operation on tensors of one shape whose backward pass reads what it is told to.
struct Fake(Reads);

const INPUTS: Fake = Fake(Reads { inputs: true, output: false });
const OUTPUT: Fake = Fake(Reads { inputs: false, output: true });
const NOTHING: Fake = Fake(Reads { inputs: false, output: false });

impl Op for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        inputs[0]
    }

    fn backward_reads(&self) -> Reads {
        self.0
    }

    fn forward(&self, _: &mut Recording, _: &Forward) -> Result<()> {
        Ok(())
    }

    fn backward(&self, _: &mut Recording, _: &Backward) -> Result<()> {
        Ok(())
    }
}

/// A chain of operations from a leaf named x; returns the graph with the leaf and the nodes of the chain.
fn chain(ops: impl IntoIterator<Item = Fake>) -> (Graph, Vec<NodeId>) {
    let mut graph = Graph::new();
    let mut nodes = vec![graph.leaf("x", Shape::planar(1, 1, 4))];
    for (i, op) in ops.into_iter().enumerate() {
        nodes.push(graph.apply(&i.to_string(), Box::new(op), &nodes[i..]));
    }
    (graph, nodes)
}

fn differentiate(nodes: &[NodeId], activations: Activations) -> Request {
    let last = nodes[nodes.len() - 1];
    let differentiate = Some(Differentiate { outputs: vec![last], input: nodes[0] });
    Request { keep: vec![last], differentiate, activations }
}

#[test]
fn forward_steps_come_in_order_and_backward_steps_in_reverse() {
    let (graph, n) = chain([INPUTS, OUTPUT, NOTHING]);
    let plan = graph.plan(differentiate(&n, Activations::Kept));
    let forward = n[1..].iter().map(|node| Step::Forward(*node));
    let backward = n[1..].iter().rev().map(|node| Step::Backward(*node));
    assert_eq!(plan.steps, forward.chain(backward).collect::<Vec<_>>());
}

#[test]
fn what_nothing_reads_is_not_computed() {
    let (mut graph, n) = chain([NOTHING, NOTHING]);
    let unused = graph.apply("unused", Box::new(INPUTS), &[n[1]]);
    let plan = graph.plan(Request { keep: vec![n[2]], ..Request::default() });
    assert_eq!(plan.steps, [Step::Forward(n[1]), Step::Forward(n[2])]);
    // The backward pass needs neither values nor the unused branch.
    let request = Request { keep: vec![], ..differentiate(&n, Activations::Kept) };
    assert_eq!(graph.plan(request).steps, [Step::Backward(n[2]), Step::Backward(n[1])]);
    assert!(!plan.gradients.contains_key(&unused));
}

#[test]
fn gradients_of_a_value_with_two_readers_are_complete_before_they_are_read() {
    let (mut graph, n) = chain([NOTHING]);
    let left = graph.apply("left", Box::new(NOTHING), &[n[1]]);
    let sum = graph.apply("sum", Box::new(NOTHING), &[left, n[1]]);
    let request = Request { keep: vec![], ..differentiate(&[n[0], sum], Activations::Kept) };
    let plan = graph.plan(request);
    assert_eq!(plan.steps, [sum, left, n[1]].map(Step::Backward));
}

#[test]
fn a_segment_is_computed_again_from_its_checkpoint() {
    let (mut graph, n) = chain([OUTPUT, OUTPUT, NOTHING, OUTPUT, OUTPUT, NOTHING, OUTPUT]);
    graph.checkpoint(n[3]);
    graph.checkpoint(n[6]);
    let plan = graph.plan(differentiate(&n, Activations::Recomputed));
    let backward = &plan.steps[7..];
    let expected = [
        // The last segment is still in memory.
        Step::Backward(n[7]),
        Step::Recompute(n[4]),
        Step::Recompute(n[5]),
        Step::Backward(n[6]),
        Step::Backward(n[5]),
        Step::Backward(n[4]),
        Step::Recompute(n[1]),
        Step::Recompute(n[2]),
        Step::Backward(n[3]),
        Step::Backward(n[2]),
        Step::Backward(n[1]),
    ];
    assert_eq!(backward, expected);
}

#[test]
fn buffers_are_shared_over_time_but_kept_values_are_not() {
    let (graph, n) = chain([NOTHING, NOTHING, NOTHING, NOTHING]);
    let forward_only = |keep: &[NodeId]| graph.plan(Request { keep: keep.into(), ..Request::default() });
    let two_in_turns = forward_only(&[n[4]]);
    assert_eq!(two_in_turns.slots, [Slot { bytes: 16, what: Use::Activations }; 2]);
    assert_eq!(forward_only(&n[1..]).slots.len(), 4);
}

#[test]
fn recomputation_takes_fewer_buffers() {
    let (mut graph, n) = chain((0..12).map(|_| OUTPUT));
    n[1..].iter().step_by(4).for_each(|node| graph.checkpoint(*node));
    let buffers = |activations| graph.plan(differentiate(&n, activations)).slots.len();
    assert!(buffers(Activations::Recomputed) < buffers(Activations::Kept));
}

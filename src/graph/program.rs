//! A compiled graph: memory allocated, both passes recorded.

use std::sync::Arc;

use super::inspect::{Produce, Produced};
use super::op::{Backward, Forward, Gradient, Scratch, ScratchSize};
use super::plan::{MemoryPlan, gradient_shape};
use super::schedule::Step;
use super::{Arena, ArenaSize, Graph, NodeId};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Recording, Tensor, Texture};

/// The recorded passes of a graph and the tensors that they work on.
#[derive(Debug)]
pub struct Program {
    /// Computes every value.
    pub forward: Recording,
    /// Computes the gradient of the loss with respect to the leaf; run it after `forward`. Empty if
    /// nothing was to be differentiated.
    pub backward: Recording,
    values: Vec<Option<Tensor>>,
    gradient: Option<Tensor>,
    seeds: Vec<Tensor>,
    /// For those who look for what is wrong: the leaves with their labels, and what the commands compute.
    pub(super) leaves: Vec<(String, Tensor)>,
    pub(super) produced: Vec<Produced>,
    /// Bind groups keep memory alive by themselves, but the ledger counts what is held here.
    _arena: Arc<Arena>,
}

impl Program {
    /// The memory of a value. Between a forward pass and the next it holds what it should only if it
    /// was among those kept.
    ///
    /// # Panics
    /// If the node belongs to another graph.
    pub fn value(&self, node: NodeId) -> &Tensor {
        self.values[node.0].as_ref().expect("every node of a compiled graph has a value")
    }

    /// d loss / d leaf, after a backward pass.
    pub fn gradient(&self) -> Option<&Tensor> {
        self.gradient.as_ref()
    }

    /// The gradients that the backward pass starts from, one for each value that is differentiated, in their
    /// order: 1 unless overwritten.
    pub fn seeds(&self) -> &[Tensor] {
        &self.seeds
    }
}

impl Graph {
    /// Allocates what `plan` says and records both passes. `leaves` gives each leaf its tensor.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::Gpu`] if memory or a kernel cannot be had; `Error::Gpu` if a
    /// leaf was not given.
    pub fn compile(&self, gpu: &Gpu, plan: &MemoryPlan, leaves: &[(NodeId, Tensor)]) -> Result<Program> {
        let arena = Arena::new(gpu, &ArenaSize::of([plan]))?;
        self.compile_in(gpu, plan, leaves, &Arc::new(arena))
    }

    /// The same in an arena that has room for the plan, which other programs may use as well.
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn compile_in(
        &self,
        gpu: &Gpu,
        plan: &MemoryPlan,
        leaves: &[(NodeId, Tensor)],
        arena: &Arc<Arena>,
    ) -> Result<Program> {
        let mut compiler = Compiler::new(self, plan, leaves, arena);
        let given = |i: usize| compiler.values[i].is_some() || self.nodes[i].op.is_some();
        if let Some(i) = (0..self.nodes.len()).find(|i| !given(*i)) {
            let message = format!("leaf '{}' was not given", self.nodes[i].label);
            return Err(Error::gpu("compiling a graph", message));
        }
        let (mut forward, mut backward) =
            (Recording::named(gpu, "forward"), Recording::named(gpu, "backward"));
        let is_forward = |(step, _): &(Step, _)| matches!(step, Step::Forward(_));
        let (ahead, back) = plan.steps.split_at(plan.steps.iter().take_while(|e| is_forward(e)).count());
        for (step, slot) in ahead {
            compiler.forward(&mut forward, step.node(), *slot)?;
        }
        // What the forward pass leaves, and not what is computed again.
        let values = compiler.values.clone();
        for (step, slot) in back {
            match *step {
                Step::Forward(i) | Step::Recompute(i) => compiler.forward(&mut backward, i, *slot)?,
                Step::Backward(i) => compiler.backward(&mut backward, i)?,
            }
        }
        let (mut seeds, mut gradient) = (vec![], None);
        if let Some((outputs, leaf)) = &plan.differentiate {
            if outputs.is_empty() || !plan.differentiated[leaf.0] {
                return Err(Error::gpu("compiling a graph", "the loss does not depend on the leaf"));
            }
            for output in outputs {
                let seed = compiler.gradient(*output)?;
                gpu.write(&seed, &vec![1.0; seed.shape().len()]);
                seeds.push(seed);
            }
            gradient = Some(compiler.gradient(*leaf)?);
        }
        // The kinds of tiles have a program each: what was written for all would lie beside the arena they share.
        gpu.flush()?;
        let label = |node: &NodeId| self.nodes[node.0].label.clone();
        let leaves = leaves.iter().map(|(node, tensor)| (label(node), tensor.clone())).collect();
        let (produced, _arena) = (compiler.produced, arena.clone());
        Ok(Program { forward, backward, values, gradient, seeds, leaves, produced, _arena })
    }
}

struct Compiler<'a> {
    graph: &'a Graph,
    plan: &'a MemoryPlan,
    arena: &'a Arena,
    /// The buffer of each slot of the plan.
    slots: Vec<Tensor>,
    /// Each value as it was computed last.
    values: Vec<Option<Tensor>>,
    gradients: Vec<Option<Tensor>>,
    /// Nodes whose gradient has been written to.
    written: Vec<bool>,
    /// What the commands so far compute.
    produced: Vec<Produced>,
}

impl<'a> Compiler<'a> {
    fn new(graph: &'a Graph, plan: &'a MemoryPlan, leaves: &[(NodeId, Tensor)], arena: &'a Arena) -> Self {
        let mut slots: Vec<(usize, &Tensor)> = plan.by_size().into_iter().zip(&arena.slots).collect();
        slots.sort_by_key(|(slot, _)| *slot);
        let slots: Vec<Tensor> = slots.into_iter().map(|(_, tensor)| tensor.clone()).collect();
        let gradient = |i: usize| {
            let shape = gradient_shape(graph.nodes[i].shape);
            plan.gradients[i].map(|slot| slots[slot].viewed_as(shape))
        };
        let nodes = 0..graph.nodes.len();
        let gradients = nodes.clone().map(gradient).collect();
        let mut values = vec![None; nodes.len()];
        leaves.iter().for_each(|(node, tensor)| values[node.0] = Some(tensor.clone()));
        Self {
            graph,
            plan,
            arena,
            slots,
            values,
            gradients,
            written: vec![false; nodes.len()],
            produced: vec![],
        }
    }

    fn gradient(&self, node: NodeId) -> Result<Tensor> {
        self.gradients[node.0].clone().ok_or_else(|| Error::gpu("compiling a graph", "a gradient is missing"))
    }

    /// The latest value of a node. One that is never computed, as nobody reads it, is stood in for by its
    /// gradient, which has its shape.
    fn value(&self, node: usize) -> Result<&Tensor> {
        let value = self.values[node].as_ref().or(self.gradients[node].as_ref());
        value.ok_or_else(|| Error::gpu("compiling a graph", "a value is missing"))
    }

    fn inputs(&self, node: usize) -> Result<Vec<&Tensor>> {
        self.graph.nodes[node].inputs.iter().map(|input| self.value(input.0)).collect()
    }

    /// The shared scratch, seen with the shapes that this operation asked for.
    fn scratch(&self, size: &ScratchSize) -> Scratch {
        let buffers = self.arena.buffers.iter().zip(&size.buffers);
        Scratch {
            buffers: buffers.map(|(tensor, shape)| tensor.viewed_as(*shape)).collect(),
            textures: self.matching_textures(size),
        }
    }

    fn matching_textures(&self, size: &ScratchSize) -> Vec<Texture> {
        let among: Vec<_> = self.arena.textures.iter().map(Texture::precision).collect();
        let places = size.matching(&among).into_iter().zip(&size.textures);
        places.filter_map(|(i, size)| Some(self.arena.textures[i?].holding(size.precision))).collect()
    }

    /// Records that a node's value is computed, in a slot.
    fn forward(&mut self, recording: &mut Recording, i: usize, slot: Option<usize>) -> Result<()> {
        let node = &self.graph.nodes[i];
        let (Some(op), Some(slot)) = (&node.op, slot) else { return Ok(()) };
        let output = self.slots[slot].viewed_as(node.shape);
        let scratch = self.scratch(&op.scratch(&self.graph.shapes(&node.inputs)));
        let inputs = self.inputs(i)?;
        let io = Forward { label: &node.label, inputs: &inputs, output: &output, scratch: &scratch };
        let first = recording.len();
        op.forward(recording, &io)?;
        self.produced.push(Produced {
            label: node.label.clone(),
            what: Produce::Value,
            pass: recording.name(),
            commands: first..recording.len(),
            tensor: output.clone(),
        });
        self.values[i] = Some(output);
        Ok(())
    }

    /// Records that the gradients of a node's inputs are computed.
    fn backward(&mut self, recording: &mut Recording, i: usize) -> Result<()> {
        let node = &self.graph.nodes[i];
        let Some(op) = &node.op else { return Ok(()) };
        let mut d_inputs = vec![];
        for (k, input) in node.inputs.iter().enumerate() {
            if !(self.plan.differentiated[input.0] && op.differentiable(k)) {
                d_inputs.push(None);
                continue;
            }
            let accumulate = std::mem::replace(&mut self.written[input.0], true);
            d_inputs.push(Some(Gradient { tensor: self.gradient(*input)?, accumulate }));
        }
        let scratch = self.scratch(&op.scratch(&self.graph.shapes(&node.inputs)));
        let io = Backward {
            label: &node.label,
            inputs: &self.inputs(i)?,
            output: self.value(i)?,
            d_output: &self.gradient(NodeId(i))?,
            d_inputs: &d_inputs,
            scratch: &scratch,
        };
        let mut first = recording.len();
        op.backward(recording, &io)?;
        for gradient in d_inputs.into_iter().flatten() {
            let commands = std::mem::replace(&mut first, recording.len())..recording.len();
            let (label, what, pass) = (node.label.clone(), Produce::Gradient, recording.name());
            self.produced.push(Produced { label, what, pass, commands, tensor: gradient.tensor });
        }
        Ok(())
    }
}

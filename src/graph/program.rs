//! A compiled graph: memory allocated, both passes recorded.

use std::sync::Arc;

use super::op::{Backward, Forward, Gradient, Scratch, ScratchSize};
use super::plan::{MemoryPlan, gradient_shape};
use super::{Arena, ArenaSize, Graph, NodeId};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Recording, Shape, Tensor, Texture};

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
        let compiler = Compiler::new(self, plan, leaves, arena);
        if let Some(i) = compiler.values.iter().position(Option::is_none) {
            return Err(Error::gpu(
                "compiling a graph",
                format!("leaf '{}' was not given", self.nodes[i].label),
            ));
        }
        let (mut forward, mut backward) =
            (Recording::named(gpu, "forward"), Recording::named(gpu, "backward"));
        compiler.record_forward(&mut forward, &plan.computed)?;
        compiler.record_backward(&mut backward, &plan.differentiated)?;
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
        Ok(Program { forward, backward, values: compiler.values, gradient, seeds, _arena: arena.clone() })
    }
}

struct Compiler<'a> {
    graph: &'a Graph,
    values: Vec<Option<Tensor>>,
    gradients: Vec<Option<Tensor>>,
    arena: &'a Arena,
}

impl<'a> Compiler<'a> {
    /// Gives every value and gradient its part of the arena.
    fn new(graph: &'a Graph, plan: &MemoryPlan, leaves: &[(NodeId, Tensor)], arena: &'a Arena) -> Self {
        let mut slots = vec![None; plan.slots.len()];
        plan.by_size().into_iter().zip(&arena.slots).for_each(|(slot, tensor)| slots[slot] = Some(tensor));
        let in_slot = |slot: Option<usize>, shape: Shape| Some(slots[slot?]?.viewed_as(shape));
        let value = |i: usize| {
            let given = || leaves.iter().find(|(node, _)| node.0 == i).map(|(_, tensor)| tensor.clone());
            in_slot(plan.values[i], graph.nodes[i].shape).or_else(given)
        };
        let gradient = |i: usize| in_slot(plan.gradients[i], gradient_shape(graph.nodes[i].shape));
        let nodes = 0..graph.nodes.len();
        Self {
            graph,
            values: nodes.clone().map(value).collect(),
            gradients: nodes.map(gradient).collect(),
            arena,
        }
    }

    fn value(&self, node: NodeId) -> Result<&Tensor> {
        self.values[node.0].as_ref().ok_or_else(|| Error::gpu("compiling a graph", "a value is missing"))
    }

    fn gradient(&self, node: NodeId) -> Result<Tensor> {
        self.gradients[node.0].clone().ok_or_else(|| Error::gpu("compiling a graph", "a gradient is missing"))
    }

    fn inputs(&self, node: usize) -> Result<Vec<&Tensor>> {
        self.graph.nodes[node].inputs.iter().map(|input| self.value(*input)).collect()
    }

    /// The shared scratch, seen with the shapes that this operation asked for.
    fn scratch(&self, size: &ScratchSize) -> Scratch {
        Scratch {
            buffers: self
                .arena
                .buffers
                .iter()
                .zip(&size.buffers)
                .map(|(t, shape)| t.viewed_as(*shape))
                .collect(),
            textures: self.matching_textures(size),
        }
    }

    fn matching_textures(&self, size: &ScratchSize) -> Vec<Texture> {
        let among: Vec<_> = self.arena.textures.iter().map(Texture::precision).collect();
        let places = size.matching(&among).into_iter().zip(&size.textures);
        places.filter_map(|(i, size)| Some(self.arena.textures[i?].holding(size.precision))).collect()
    }

    fn record_forward(&self, recording: &mut Recording, computed: &[bool]) -> Result<()> {
        for (i, node) in self.graph.nodes.iter().enumerate().filter(|(i, _)| computed[*i]) {
            let Some(op) = &node.op else { continue };
            let scratch = self.scratch(&op.scratch(&self.graph.shapes(&node.inputs)));
            let io = Forward {
                label: &node.label,
                inputs: &self.inputs(i)?,
                output: self.value(NodeId(i))?,
                scratch: &scratch,
            };
            op.forward(recording, &io)?;
        }
        Ok(())
    }

    fn record_backward(&self, recording: &mut Recording, differentiated: &[bool]) -> Result<()> {
        let mut written = vec![false; self.graph.nodes.len()];
        for (i, node) in self.graph.nodes.iter().enumerate().rev() {
            let Some(op) = node.op.as_ref().filter(|_| differentiated[i]) else { continue };
            let d_inputs = node
                .inputs
                .iter()
                .enumerate()
                .map(|(k, input)| {
                    if !(differentiated[input.0] && op.differentiable(k)) {
                        return Ok(None);
                    }
                    let accumulate = std::mem::replace(&mut written[input.0], true);
                    Ok(Some(Gradient { tensor: self.gradient(*input)?, accumulate }))
                })
                .collect::<Result<Vec<_>>>()?;
            let scratch = self.scratch(&op.scratch(&self.graph.shapes(&node.inputs)));
            let io = Backward {
                label: &node.label,
                inputs: &self.inputs(i)?,
                output: self.value(NodeId(i))?,
                d_output: &self.gradient(NodeId(i))?,
                d_inputs: &d_inputs,
                scratch: &scratch,
            };
            op.backward(recording, &io)?;
        }
        Ok(())
    }
}

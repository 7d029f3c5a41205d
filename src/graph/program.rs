//! A compiled graph: memory allocated, both passes recorded.

use super::inspect::{Produce, Produced};
use super::op::{Backward, Forward, Gradient, Scratch, ScratchSize};
use super::plan::{MemoryPlan, gradient_shape};
use super::{Graph, NodeId};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Recording, Tensor, Texture, Use};

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
    loss: Option<(Tensor, Tensor)>,
    /// For those who look for what is wrong: the leaves with their labels, and what the commands compute.
    pub(super) leaves: Vec<(String, Tensor)>,
    pub(super) produced: Vec<Produced>,
    /// Bind groups keep memory alive by themselves, but the ledger counts what is held here.
    _held: (Vec<Tensor>, Vec<Tensor>, Vec<Texture>),
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

    /// The scalar that is differentiated, and the seed of its gradient (1 unless overwritten).
    pub fn loss(&self) -> Option<&(Tensor, Tensor)> {
        self.loss.as_ref()
    }
}

impl Graph {
    /// Allocates what `plan` says and records both passes. `leaves` gives each leaf its tensor.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::Gpu`] if memory or a kernel cannot be had; `Error::Gpu` if a
    /// leaf was not given.
    pub fn compile(&self, gpu: &Gpu, plan: &MemoryPlan, leaves: &[(NodeId, Tensor)]) -> Result<Program> {
        let slots = plan
            .slots
            .iter()
            .enumerate()
            .map(|(i, slot)| {
                let vectors = u32::try_from(slot.bytes.div_ceil(16)).unwrap_or(u32::MAX);
                let shape = crate::gpu::Shape::blocked(1, 1, vectors);
                gpu.tensor(shape, slot.what, &format!("{} slot {i}", slot.what))
            })
            .collect::<Result<Vec<_>>>()?;
        let value = |i: usize| match plan.values[i] {
            Some(slot) => Some(slots[slot].viewed_as(self.nodes[i].shape)),
            None => leaves.iter().find(|(node, _)| node.0 == i).map(|(_, tensor)| tensor.clone()),
        };
        let gradient = |i: usize| {
            let shape = gradient_shape(self.nodes[i].shape);
            plan.gradients[i].map(|slot| slots[slot].viewed_as(shape))
        };
        let compiler = Compiler {
            graph: self,
            values: (0..self.nodes.len()).map(value).collect(),
            gradients: (0..self.nodes.len()).map(gradient).collect(),
            buffers: plan
                .scratch
                .buffers
                .iter()
                .map(|shape| gpu.tensor(*shape, Use::Scratch, "scratch"))
                .collect::<Result<_>>()?,
            textures: plan
                .scratch
                .textures
                .iter()
                .map(|size| gpu.texture(*size, Use::Scratch, "scratch"))
                .collect::<Result<_>>()?,
        };
        if plan.differentiate.is_some_and(|(_, leaf)| !plan.differentiated[leaf.0]) {
            return Err(Error::gpu("compiling a graph", "the loss does not depend on the leaf"));
        }
        if let Some(i) = compiler.values.iter().position(Option::is_none) {
            return Err(Error::gpu(
                "compiling a graph",
                format!("leaf '{}' was not given", self.nodes[i].label),
            ));
        }
        let (mut forward, mut backward) =
            (Recording::named(gpu, "forward"), Recording::named(gpu, "backward"));
        let mut produced = compiler.record_forward(&mut forward)?;
        produced.extend(compiler.record_backward(&mut backward, &plan.differentiated)?);
        let (mut loss, mut leaf_gradient) = (None, None);
        if let Some((loss_node, leaf)) = plan.differentiate {
            let seed = compiler.gradient(loss_node)?;
            gpu.write(&seed, &vec![1.0; seed.shape().len()]);
            loss = Some((compiler.value(loss_node)?.clone(), seed));
            leaf_gradient = Some(compiler.gradient(leaf)?);
        }
        let label = |node: &NodeId| self.nodes[node.0].label.clone();
        let leaves = leaves.iter().map(|(node, tensor)| (label(node), tensor.clone())).collect();
        let Compiler { values, buffers, textures, .. } = compiler;
        let _held = (slots, buffers, textures);
        Ok(Program { forward, backward, values, gradient: leaf_gradient, loss, leaves, produced, _held })
    }
}

struct Compiler<'a> {
    graph: &'a Graph,
    values: Vec<Option<Tensor>>,
    gradients: Vec<Option<Tensor>>,
    buffers: Vec<Tensor>,
    textures: Vec<Texture>,
}

impl Compiler<'_> {
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
            buffers: self.buffers.iter().zip(&size.buffers).map(|(t, shape)| t.viewed_as(*shape)).collect(),
            textures: self.matching_textures(size),
        }
    }

    fn matching_textures(&self, size: &ScratchSize) -> Vec<Texture> {
        let among: Vec<_> = self.textures.iter().map(Texture::precision).collect();
        let places = size.matching(&among).into_iter().zip(&size.textures);
        places.filter_map(|(i, size)| Some(self.textures[i?].holding(size.precision))).collect()
    }

    fn record_forward(&self, recording: &mut Recording) -> Result<Vec<Produced>> {
        let mut produced = vec![];
        for (i, node) in self.graph.nodes.iter().enumerate() {
            let Some(op) = &node.op else { continue };
            let scratch = self.scratch(&op.scratch(&self.graph.shapes(&node.inputs)));
            let io = Forward {
                label: &node.label,
                inputs: &self.inputs(i)?,
                output: self.value(NodeId(i))?,
                scratch: &scratch,
            };
            let first = recording.len();
            op.forward(recording, &io)?;
            produced.push(Produced {
                label: node.label.clone(),
                what: Produce::Value,
                commands: first..recording.len(),
                tensor: io.output.clone(),
            });
        }
        Ok(produced)
    }

    fn record_backward(&self, recording: &mut Recording, differentiated: &[bool]) -> Result<Vec<Produced>> {
        let mut produced = vec![];
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
            let mut first = recording.len();
            op.backward(recording, &io)?;
            for gradient in d_inputs.iter().flatten() {
                let commands = std::mem::replace(&mut first, recording.len())..recording.len();
                let (label, tensor) = (node.label.clone(), gradient.tensor.clone());
                produced.push(Produced { label, what: Produce::Gradient, commands, tensor });
            }
        }
        Ok(produced)
    }
}

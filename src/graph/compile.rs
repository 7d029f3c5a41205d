//! Records the steps of a plan on buffers of an arena.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::autograd::Step;
use super::inspect::{Quantity, StepOutput};
use super::liveness::gradient_shape;
use super::op::{Backward, Forward, Gradient, Op};
use super::{Arena, ArenaSize, Differentiate, Graph, MemoryPlan, NodeId, Program};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, PassKind, Recording, Tensor};

impl Graph {
    /// Allocates the buffers of a plan and records both passes. `leaves` are the tensors of all leaves.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::OutOfMemory`] if a buffer cannot be allocated; [`Error::Gpu`] if a leaf is
    /// missing, a kernel cannot be compiled, or the outputs do not depend on the input of the gradient.
    pub fn compile(&self, gpu: &Gpu, plan: &MemoryPlan, leaves: &[(NodeId, Tensor)]) -> Result<Program> {
        let arena = Arena::new(gpu, &ArenaSize::of([plan]))?;
        self.compile_in(gpu, plan, leaves, &Arc::new(arena))
    }

    /// [`compile`](Self::compile) with the buffers of an arena, which must be large enough for the plan. Programs that
    /// never run at the same time can share one.
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
        if let Some(leaf) = self.leaves().find(|leaf| !compiler.values.contains_key(leaf)) {
            return Err(failure(format!("leaf '{}' was not given", self.label(leaf))));
        }
        let mut forward = Recording::of_pass(gpu, PassKind::Forward);
        let mut backward = Recording::of_pass(gpu, PassKind::Backward);
        for (index, step) in plan.steps.iter().enumerate() {
            match *step {
                Step::Forward(node) => compiler.forward(&mut forward, index, node)?,
                Step::Recompute(node) => compiler.forward(&mut backward, index, node)?,
                Step::Backward(node) => compiler.backward(&mut backward, node)?,
            }
        }
        let (seeds, gradient) = compiler.seeds_and_gradient(gpu)?;
        // Writes wait in staging buffers. Several programs may share an arena, and without this the staging buffers of
        // all of them would be in memory at once.
        gpu.flush()?;
        let leaves = leaves.iter().map(|(leaf, tensor)| (self.label(*leaf).into(), tensor.clone())).collect();
        let Compiler { readable, step_outputs, .. } = compiler;
        Ok(Program {
            forward,
            backward,
            readable,
            gradient,
            seeds,
            leaves,
            step_outputs,
            _arena: arena.clone(),
        })
    }
}

fn failure(message: impl Into<String>) -> Error {
    Error::gpu("compiling a graph", message)
}

struct Compiler<'a> {
    graph: &'a Graph,
    plan: &'a MemoryPlan,
    arena: &'a Arena,
    /// The buffer of each slot of the plan.
    slots: Vec<Tensor>,
    /// The value of each leaf and of each node computed so far; of a recomputed value, the latest tensor.
    values: BTreeMap<NodeId, Tensor>,
    /// Leaves and the values that the program keeps.
    readable: BTreeMap<NodeId, Tensor>,
    /// Nodes whose gradient has been written to: the next contribution is added.
    written: BTreeSet<NodeId>,
    /// The results of the commands recorded so far.
    step_outputs: Vec<StepOutput>,
}

impl<'a> Compiler<'a> {
    fn new(graph: &'a Graph, plan: &'a MemoryPlan, leaves: &[(NodeId, Tensor)], arena: &'a Arena) -> Self {
        // The arena's buffers are sorted, largest first: the n-th largest slot gets the n-th buffer.
        let mut slots: Vec<(usize, &Tensor)> = plan.by_size().into_iter().zip(&arena.slots).collect();
        slots.sort_by_key(|(slot, _)| *slot);
        let slots = slots.into_iter().map(|(_, tensor)| tensor.clone()).collect();
        let values: BTreeMap<_, _> = leaves.iter().cloned().collect();
        let (readable, written, step_outputs) = (values.clone(), BTreeSet::new(), vec![]);
        Self { graph, plan, arena, slots, values, readable, written, step_outputs }
    }

    /// Records the operation of a node, as the step of this index of the plan.
    fn forward(&mut self, recording: &mut Recording, index: usize, node: NodeId) -> Result<()> {
        let (Some(op), Some(slot)) = (self.graph.op(node), self.plan.values.get(&index)) else {
            return Err(failure("a forward step without an operation or a slot"));
        };
        let (label, output) = (self.graph.label(node), self.slots[*slot].viewed_as(self.graph.shape(node)));
        let inputs = self.graph.inputs(node).iter().map(|input| self.values.get(input));
        let inputs = inputs.collect::<Option<Vec<_>>>().ok_or_else(|| failure("a value is missing"))?;
        let scratch = self.arena.scratch.view(&op.scratch(&self.graph.input_shapes(node)));
        let first = recording.len();
        op.forward(recording, &Forward { label, inputs: &inputs, output: &output, scratch: &scratch })?;
        self.step_outputs.push(StepOutput {
            label: label.into(),
            quantity: Quantity::Value,
            pass: recording.pass(),
            commands: first..recording.len(),
            tensor: output.clone(),
        });
        if self.plan.request.keep.contains(&node) {
            self.readable.insert(node, output.clone());
        }
        self.values.insert(node, output);
        Ok(())
    }

    /// Records the backward pass of a node's operation, which computes the gradients of its inputs.
    fn backward(&mut self, recording: &mut Recording, node: NodeId) -> Result<()> {
        let Some(op) = self.graph.op(node) else { return Err(failure("a backward step of a leaf")) };
        let (label, reads) = (self.graph.label(node), op.backward_reads());
        let d_inputs = self.d_inputs(node, op)?;
        let declared =
            |input: &NodeId| self.values.get(input).filter(|_| reads.inputs || self.graph.is_leaf(*input));
        let inputs: Vec<_> = self.graph.inputs(node).iter().map(declared).collect();
        let input_shapes = self.graph.input_shapes(node);
        let output = self.values.get(&node).filter(|_| reads.output);
        let io = Backward {
            label,
            inputs: &inputs,
            input_shapes: &input_shapes,
            output,
            d_output: &self.gradient(node)?,
            d_inputs: &d_inputs,
            scratch: &self.arena.scratch.view(&op.scratch(&input_shapes)),
        };
        let mut first = recording.len();
        op.backward(recording, &io)?;
        for gradient in d_inputs.into_iter().flatten() {
            let commands = std::mem::replace(&mut first, recording.len())..recording.len();
            let (label, quantity, pass) = (label.into(), Quantity::Gradient, recording.pass());
            self.step_outputs.push(StepOutput { label, quantity, pass, commands, tensor: gradient.tensor });
        }
        Ok(())
    }

    /// For each input of a node, where its gradient goes, if it is needed.
    fn d_inputs(&mut self, node: NodeId, op: &dyn Op) -> Result<Vec<Option<Gradient>>> {
        let inputs = self.graph.inputs(node).iter().enumerate().map(|(k, input)| {
            if !op.differentiable(k) || !self.plan.gradients.contains_key(input) {
                return Ok(None);
            }
            let accumulate = !self.written.insert(*input);
            Ok(Some(Gradient { tensor: self.gradient(*input)?, accumulate }))
        });
        inputs.collect()
    }

    /// The seeds, set to 1, and the gradient that the backward pass ends with.
    fn seeds_and_gradient(&self, gpu: &Gpu) -> Result<(Vec<Tensor>, Option<Tensor>)> {
        let Some(Differentiate { outputs, input }) = &self.plan.request.differentiate else {
            return Ok((vec![], None));
        };
        if !self.plan.gradients.contains_key(input) {
            return Err(failure("the outputs do not depend on the input of the gradient"));
        }
        let seeds = outputs.iter().map(|output| self.gradient(*output)).collect::<Result<Vec<_>>>()?;
        seeds.iter().for_each(|seed| gpu.write(seed, &vec![1.0; seed.shape().len()]));
        Ok((seeds, Some(self.gradient(*input)?)))
    }

    fn gradient(&self, node: NodeId) -> Result<Tensor> {
        let slot = self.plan.gradients.get(&node).ok_or_else(|| failure("a gradient is missing"))?;
        Ok(self.slots[*slot].viewed_as(gradient_shape(self.graph.shape(node))))
    }
}

//! Runs a case on a device and measures the deviation from the reference.

use super::case::{Array, Case, distance, numbers, to_f32};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Layout, Shape, Tensor, Use};
use crate::graph::{Differentiate, Graph, NodeId, Op, Program, Request};

/// Deviation of an operation from its reference: see [`distance`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deviation {
    /// Of the output.
    pub forward: f64,
    /// Of the gradients, the worst of all inputs.
    pub backward: f64,
    /// Whether what lies behind the last channel or number is zero, as the next kernel expects.
    pub padding_is_zero: bool,
}

impl Case {
    /// Runs both passes and compares; `None` where the device lacks what the variant needs.
    ///
    /// # Errors
    /// [`Error::Gpu`] if a kernel cannot be compiled or run.
    pub fn check(&self, gpu: &Gpu) -> Result<Option<Deviation>> {
        let inputs = self.numbers();
        let upload = |(shape, x): (_, &Array)| gpu.upload(shape, &to_f32(x), Use::Activations, "input");
        let tensors: Vec<Tensor> =
            self.inputs.iter().copied().zip(&inputs).map(upload).collect::<Result<_>>()?;
        let want = (self.reference)(&inputs);
        let d_out = numbers(7, want.len());
        let want_gradients = (self.reference_backward)(&inputs, &d_out);
        let mut deviation = Deviation { forward: 0.0, backward: 0.0, padding_is_zero: true };
        for (wrt, want_gradient) in want_gradients.iter().enumerate() {
            let Some(op) = (self.build)(gpu)? else { return Ok(None) };
            let differentiable = op.differentiable(wrt);
            let (program, node) = self.compile(gpu, op, &tensors, differentiable.then_some(wrt))?;
            if let Some(seed) = program.seeds().first() {
                gpu.write(seed, &to_f32(&d_out));
            }
            gpu.submit(&[&program.forward, &program.backward])?;
            let value = program.value(node);
            deviation.forward = deviation.forward.max(distance(&gpu.read(value)?, &want));
            deviation.padding_is_zero &= padding_is_zero(gpu, value)?;
            if differentiable {
                let gradient = program.gradient().ok_or_else(|| Error::gpu(&self.label, "no gradient"))?;
                let off = distance(&gpu.read(gradient)?, want_gradient);
                deviation.backward = deviation.backward.max(off);
                deviation.padding_is_zero &= padding_is_zero(gpu, gradient)?;
            }
        }
        Ok(Some(deviation))
    }

    /// Records both passes without running them, with respect to each input in turn; nothing where the device
    /// lacks what the variant needs.
    ///
    /// # Errors
    /// [`Error::Gpu`] if a kernel cannot be compiled.
    pub fn record(&self, gpu: &Gpu) -> Result<Vec<Program>> {
        let input = |shape: &Shape| gpu.tensor(*shape, Use::Activations, "input");
        let tensors: Vec<Tensor> = self.inputs.iter().map(input).collect::<Result<_>>()?;
        let mut programs = vec![];
        for wrt in 0..self.inputs.len() {
            let Some(op) = (self.build)(gpu)? else { return Ok(vec![]) };
            let differentiable = op.differentiable(wrt);
            programs.push(self.compile(gpu, op, &tensors, differentiable.then_some(wrt))?.0);
        }
        Ok(programs)
    }

    /// The operation alone in a graph, differentiated with respect to the input `wrt`.
    fn compile(
        &self,
        gpu: &Gpu,
        op: Box<dyn Op>,
        tensors: &[Tensor],
        wrt: Option<usize>,
    ) -> Result<(Program, NodeId)> {
        let mut graph = Graph::new();
        let leaves: Vec<NodeId> = self.inputs.iter().map(|shape| graph.leaf("x", *shape)).collect();
        let node = graph.apply(op.name(), op, &leaves);
        let differentiate = wrt.map(|k| Differentiate { outputs: vec![node], input: leaves[k] });
        let plan = graph.plan(Request { keep: vec![node], differentiate, ..Request::default() });
        let bound: Vec<_> = leaves.into_iter().zip(tensors.iter().cloned()).collect();
        Ok((graph.compile(gpu, &plan, &bound)?, node))
    }
}

fn padding_is_zero(gpu: &Gpu, tensor: &Tensor) -> Result<bool> {
    let shape = tensor.shape();
    let packed = gpu.read_padded(tensor)?;
    let is_padding = |i: usize| match shape.layout {
        Layout::Planar => i >= shape.len(),
        Layout::Blocked => {
            let channel = i / 4 / shape.positions() as usize * 4 + i % 4;
            channel >= shape.channels as usize
        }
    };
    let numbers = shape.vectors() as usize * 4;
    Ok(packed[..numbers].iter().enumerate().all(|(i, value)| !is_padding(i) || *value == 0.0))
}

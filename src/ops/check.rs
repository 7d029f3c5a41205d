//! Runs a case on a device and measures the deviation from the reference.

use rayon::prelude::*;

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

/// A case that is ready to run: its answers are known, and both passes are recorded.
pub struct Trial<'a> {
    case: &'a Case,
    answers: Answers,
    programs: Vec<TrialProgram>,
}

/// One program of a trial, differentiated by one input, if the operation is.
struct TrialProgram {
    program: Program,
    output: NodeId,
    is_differentiable: bool,
}

/// What a case should give.
struct Answers {
    inputs: Vec<Array>,
    output: Array,
    d_output: Array,
    gradients: Vec<Array>,
}

impl<'a> Trial<'a> {
    /// Prepares some cases: their references are computed by all processors, and their kernels compiled at once. `None`
    /// stands for a case for which the device lacks something.
    pub fn of_all(gpu: &Gpu, cases: &'a [Case]) -> Vec<Result<Option<Self>>> {
        let answers: Vec<Answers> = cases.par_iter().map(Case::answers).collect();
        let trials: Vec<_> =
            cases.iter().zip(answers).map(|(case, answers)| Self::new(gpu, case, answers)).collect();
        let ready = trials.iter().flatten().flatten().flat_map(|trial| &trial.programs);
        let recordings: Vec<_> =
            ready.flat_map(|one| [&one.program.forward, &one.program.backward]).collect();
        // A kernel that the device does not take is an error of the trial that runs it.
        let _ = gpu.compile(&recordings);
        trials
    }

    fn new(gpu: &Gpu, case: &'a Case, answers: Answers) -> Result<Option<Self>> {
        let upload = |(shape, x): (_, &Array)| gpu.upload(shape, &to_f32(x), Use::Activations, "input");
        let shapes = case.inputs.iter().copied();
        let tensors: Vec<Tensor> = shapes.zip(&answers.inputs).map(upload).collect::<Result<_>>()?;
        let mut programs = vec![];
        for wrt in 0..answers.gradients.len() {
            let Some(op) = (case.build)(gpu)? else { return Ok(None) };
            let is_differentiable = op.differentiable(wrt);
            let (program, output) = case.compile(gpu, op, &tensors, is_differentiable.then_some(wrt))?;
            programs.push(TrialProgram { program, output, is_differentiable });
        }
        Ok(Some(Self { case, answers, programs }))
    }

    /// Runs both passes and compares.
    ///
    /// # Errors
    /// [`Error::Gpu`] if a kernel cannot be compiled or run.
    pub fn run(&self, gpu: &Gpu) -> Result<Deviation> {
        let mut deviation = Deviation { forward: 0.0, backward: 0.0, padding_is_zero: true };
        for (TrialProgram { program, output, is_differentiable }, want) in
            self.programs.iter().zip(&self.answers.gradients)
        {
            if let Some(seed) = program.seeds().first() {
                gpu.write(seed, &to_f32(&self.answers.d_output));
            }
            gpu.submit(&[&program.forward, &program.backward])?;
            let value = program.value(*output);
            deviation.forward = deviation.forward.max(distance(&gpu.read(value)?, &self.answers.output));
            deviation.padding_is_zero &= padding_is_zero(gpu, value)?;
            if *is_differentiable {
                let gradient =
                    program.gradient().ok_or_else(|| Error::gpu(&self.case.label, "no gradient"))?;
                deviation.backward = deviation.backward.max(distance(&gpu.read(gradient)?, want));
                deviation.padding_is_zero &= padding_is_zero(gpu, gradient)?;
            }
        }
        Ok(deviation)
    }
}

impl Case {
    /// Runs both passes and compares; `None` where the device lacks what the variant needs.
    ///
    /// # Errors
    /// [`Error::Gpu`] if a kernel cannot be compiled or run.
    pub fn check(&self, gpu: &Gpu) -> Result<Option<Deviation>> {
        Trial::new(gpu, self, self.answers())?.map(|trial| trial.run(gpu)).transpose()
    }

    fn answers(&self) -> Answers {
        let inputs = self.numbers();
        let output = (self.reference)(&inputs);
        let d_output = numbers(7, output.len());
        let gradients = (self.reference_backward)(&inputs, &d_output);
        Answers { inputs, output, d_output, gradients }
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

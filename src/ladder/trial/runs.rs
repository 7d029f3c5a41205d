//! One run of a case: every tensor is allocated anew under a given poison, so that nothing is left of an earlier run.

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Layout, PassKind, Poison, Recording, ScratchMemory, Shape, Tensor, Use};
use crate::graph::{Backward, Forward, Gradient, Op};
use crate::ops::case::{Array, Case, distance, numbers, to_f32};
use crate::ops::variants::Pass;

/// NaN wherever nothing was written, and behind every end.
pub(super) const NAN: Poison = Poison::ALL_NAN;
/// A mark in place of NaN: what still holds it was not written.
pub(super) const MARKED: Poison = Poison { contents: Poison::MARK, guards: Poison::NAN };
/// Zeros behind the ends: what was NaN and is a number now came from there.
pub(super) const CALM: Poison = Poison { contents: Poison::NAN, guards: 0 };

/// A case on a device, with the passes that are looked at.
pub(super) struct Bench<'a> {
    pub(super) gpu: &'a Gpu,
    pub(super) case: &'a Case,
    pub(super) passes: &'a [Pass],
}

/// A tensor that a pass computed, and what it should be.
pub(super) struct Answer {
    pub(super) pass: Pass,
    pub(super) tensor: String,
    pub(super) shape: Shape,
    pub(super) got: Vec<f32>,
    pub(super) want: Array,
    /// The first input, for comparisons.
    pub(super) input: Array,
    pub(super) tolerance: f64,
    pub(super) written_behind: Option<u64>,
    pub(super) dirty_padding: bool,
}

impl Bench<'_> {
    /// Runs the forward pass, and if it is looked at the backward pass. With `accumulate` the backward pass adds to gradients
    /// that hold something already.
    pub(super) fn run(&self, poison: Poison, accumulate: bool) -> Result<Vec<Answer>> {
        let Self { gpu, case, passes } = self;
        gpu.set_poison(poison);
        let lacking = || Error::gpu(&case.label, "the device is missing something for it");
        let op = (case.build)(gpu)?.ok_or_else(lacking)?;
        let inputs = case.numbers();
        let upload = |(shape, x): (&Shape, &Array)| gpu.upload(*shape, &to_f32(x), Use::Activations, "input");
        let tensors: Vec<Tensor> = case.inputs.iter().zip(&inputs).map(upload).collect::<Result<_>>()?;
        let output = gpu.tensor(op.output_shape(&case.inputs), Use::Activations, "output")?;
        let size = op.scratch(&case.inputs);
        let scratch = ScratchMemory::new(gpu, &size)?.view(&size);
        let mut forward = Recording::of_pass(gpu, PassKind::Forward);
        let given: Vec<&Tensor> = tensors.iter().collect();
        let io = Forward { label: "trial", inputs: &given, output: &output, scratch: &scratch };
        op.forward(&mut forward, &io)?;
        gpu.submit(&[&forward])?;
        let want = (case.reference)(&inputs);
        let mut answers = vec![];
        if passes.contains(&Pass::Forward) {
            answers.push(self.answer(Pass::Forward, "output".into(), &output, want.clone(), &inputs[0])?);
        }
        if passes.contains(&Pass::Backward) {
            answers.extend(self.backward(&*op, &given, &output, &inputs, accumulate)?);
        }
        Ok(answers)
    }

    fn backward(
        &self,
        op: &dyn Op,
        given: &[&Tensor],
        output: &Tensor,
        inputs: &[Array],
        accumulate: bool,
    ) -> Result<Vec<Answer>> {
        let Self { gpu, case, .. } = self;
        let d_out = numbers(7, output.shape().len());
        let d_output =
            gpu.upload(output.shape(), &to_f32(&d_out), Use::Gradients, "gradient of the output")?;
        let earlier = |k: usize| numbers(200 + k as u64, case.inputs[k].len());
        let gradient = |k: usize| -> Result<Option<Gradient>> {
            if !op.differentiable(k) {
                return Ok(None);
            }
            let tensor = gpu.tensor(case.inputs[k], Use::Gradients, "gradient")?;
            if accumulate {
                gpu.write(&tensor, &to_f32(&earlier(k)));
            }
            Ok(Some(Gradient { tensor, accumulate }))
        };
        let d_inputs = (0..inputs.len()).map(gradient).collect::<Result<Vec<_>>>()?;
        let size = op.scratch(&case.inputs);
        let scratch = ScratchMemory::new(gpu, &size)?.view(&size);
        let values: Vec<Option<&Tensor>> = given.iter().copied().map(Some).collect();
        let mut backward = Recording::of_pass(gpu, PassKind::Backward);
        let io = Backward {
            label: "trial",
            input_shapes: &case.inputs,
            inputs: &values,
            output: Some(output),
            d_output: &d_output,
            d_inputs: &d_inputs,
            scratch: &scratch,
        };
        op.backward(&mut backward, &io)?;
        gpu.submit(&[&backward])?;
        let mut answers = vec![];
        for (k, mut want) in (case.reference_backward)(inputs, &d_out).into_iter().enumerate() {
            let Some(Some(gradient)) = d_inputs.get(k) else { continue };
            if accumulate {
                want.iter_mut().zip(earlier(k)).for_each(|(want, earlier)| *want += earlier);
            }
            let name = format!("gradient of input {}", k + 1);
            answers.push(self.answer(Pass::Backward, name, &gradient.tensor, want, &d_out)?);
        }
        Ok(answers)
    }

    fn answer(
        &self,
        pass: Pass,
        name: String,
        tensor: &Tensor,
        want: Array,
        input: &[f64],
    ) -> Result<Answer> {
        let shape = tensor.shape();
        let packed = self.gpu.read_padded(tensor)?;
        let got = shape.unpack(&packed);
        // Computed padding is neither zero nor NaN; NaN there was read, or never overwritten.
        let dirty_padding = shape.padding().any(|i| packed[i] != 0.0);
        let written_behind = self.gpu.written_behind(tensor)?;
        let (input, tolerance) = (input.to_vec(), self.case.tolerance);
        Ok(Answer { pass, tensor: name, shape, got, want, input, tolerance, written_behind, dirty_padding })
    }
}

impl Answer {
    /// As [`distance`]; infinite for NaN.
    pub(super) fn distance(&self) -> f64 {
        distance(&self.got, &self.want)
    }

    /// The largest magnitude of what it should be, to which errors are relative.
    pub(super) fn scale(&self) -> f64 {
        self.want.iter().fold(1e-30, |most: f64, value| most.max(value.abs()))
    }

    /// Whether two numbers agree within the tolerance of the case.
    pub(super) fn agree(&self, got: f64, want: f64) -> bool {
        (got - want).abs() <= self.tolerance * self.scale()
    }

    /// Indices of the elements that are wrong, NaN among them.
    pub(super) fn wrong(&self) -> Vec<usize> {
        let most = self.tolerance * self.scale();
        let is_right = |i: &usize| (f64::from(self.got[*i]) - self.want[*i]).abs() <= most;
        (0..self.got.len()).filter(|i| !is_right(i)).collect()
    }

    /// How many elements another run gave differently, NaN counting as one number.
    pub(super) fn differs_from(&self, again: &Self) -> usize {
        let differ = |(a, b): &(&f32, &f32)| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan());
        self.got.iter().zip(&again.got).filter(differ).count()
    }
}

impl Shape {
    /// Indices of the numbers in memory that are no elements: unused channels of the last block, or what a planar tensor
    /// lacks to a vector.
    pub(super) fn padding(self) -> impl Iterator<Item = usize> {
        let positions = self.positions().max(1) as usize;
        let is_padding = move |i: &usize| match self.layout {
            Layout::Planar => *i >= self.len(),
            Layout::Blocked => i / 4 / positions * 4 + i % 4 >= self.channels as usize,
        };
        (0..self.vectors() as usize * 4).filter(is_padding)
    }
}

//! The trait of operations, and what the graph passes to them.

use crate::error::{Error, Result};
use crate::gpu::{Recording, Scratch, ScratchSize, Shape, Tensor};

/// An operation: computes one output from some inputs, and the gradients of the inputs from that of the output.
///
/// [`forward`](Self::forward) and [`backward`](Self::backward) run when a graph is compiled. They record dispatches,
/// which then run as often as the program is submitted.
pub trait Op {
    /// The operation's name: that of its folder under `shaders/`.
    fn name(&self) -> &'static str;

    /// Shape of the output for inputs of these shapes.
    fn output_shape(&self, inputs: &[Shape]) -> Shape;

    /// The values that the backward pass reads. They stay in memory until then, or are computed again under
    /// [`Activations::Recomputed`](super::Activations::Recomputed); others are overwritten.
    fn backward_reads(&self) -> Reads;

    /// False for an input whose gradient is always zero or never needed.
    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    /// Scratch memory needed while the operation runs, forward or backward.
    fn scratch(&self, _inputs: &[Shape]) -> ScratchSize {
        ScratchSize::default()
    }

    /// Records `output = f(inputs)`.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if a kernel or bind group cannot be made.
    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()>;

    /// Records `d_input = d_output * df/d_input`, or `+=`, for each input whose gradient is needed.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()>;
}

/// The values that an operation's backward pass reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// Its inputs.
    pub inputs: bool,
    /// Its output.
    pub output: bool,
}

/// The tensors of an operation's forward pass.
#[derive(Debug)]
pub struct Forward<'a> {
    /// The node's name, for messages and timings.
    pub label: &'a str,
    /// Values of the inputs.
    pub inputs: &'a [&'a Tensor],
    /// Where the output goes.
    pub output: &'a Tensor,
    /// See [`Op::scratch`].
    pub scratch: &'a Scratch,
}

/// The tensors of an operation's backward pass.
#[derive(Debug)]
pub struct Backward<'a> {
    /// The node's name, for messages and timings.
    pub label: &'a str,
    /// Shapes of the inputs.
    pub input_shapes: &'a [Shape],
    pub(crate) inputs: &'a [Option<&'a Tensor>],
    pub(crate) output: Option<&'a Tensor>,
    /// The complete gradient of the output. No other operation reads it, so it may be overwritten, as a convolution
    /// with a built-in ReLU does. But a seed is written once and not before each submission, so overwriting it a second
    /// time must change nothing.
    pub d_output: &'a Tensor,
    /// For each input, where its gradient goes; `None` where it is not needed.
    pub d_inputs: &'a [Option<Gradient>],
    /// See [`Op::scratch`].
    pub scratch: &'a Scratch,
}

impl<'a> Backward<'a> {
    /// Value of an input.
    ///
    /// # Errors
    /// [`Error::Gpu`] if [`Op::backward_reads`] does not declare the inputs. Leaves can always be read.
    pub fn input(&self, k: usize) -> Result<&'a Tensor> {
        self.inputs[k].ok_or_else(|| self.undeclared("an input"))
    }

    /// Value of the output.
    ///
    /// # Errors
    /// [`Error::Gpu`] if [`Op::backward_reads`] does not declare the output.
    pub fn output(&self) -> Result<&'a Tensor> {
        self.output.ok_or_else(|| self.undeclared("the output"))
    }

    fn undeclared(&self, what: &str) -> Error {
        let message = format!("its backward pass reads {what}, which Op::backward_reads does not list");
        Error::gpu(self.label, message)
    }
}

/// Where the gradient of an input goes.
#[derive(Debug)]
pub struct Gradient {
    /// The tensor to write to.
    pub tensor: Tensor,
    /// True if a contribution to the gradient has been written already: add to it.
    pub accumulate: bool,
}

impl Gradient {
    /// The override constant of backward kernels that says whether to add.
    pub fn overrides(&self) -> [(&'static str, f64); 1] {
        [("ACCUMULATE", f64::from(u8::from(self.accumulate)))]
    }
}

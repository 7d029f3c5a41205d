//! What an operation is to the graph.

use crate::error::Result;
use crate::gpu::{Precision, Recording, Shape, Tensor, Texture, TextureSize};

/// An operation with its constants (weights, targets, sizes): one output from some inputs.
///
/// The graph calls [`forward`](Self::forward) and [`backward`](Self::backward) once each, to record
/// dispatches; the recordings then run as often as one likes.
pub trait Op {
    /// The operation's name, as in the list of operations and in `shaders/`.
    fn name(&self) -> &'static str;

    /// Shape of the output for inputs of these shapes.
    fn output(&self, inputs: &[Shape]) -> Shape;

    /// What the backward pass reads again; the memory plan keeps it until then.
    fn backward_reads(&self) -> Reads;

    /// False for an input whose gradient is always zero or never wanted.
    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    /// True if its output is so small beside what led to it that a pass that recomputes should start from there:
    /// see [`Activations::Recomputed`](super::Activations::Recomputed).
    fn is_checkpoint_boundary(&self) -> bool {
        false
    }

    /// Space needed while the operation runs, forward or backward.
    fn scratch(&self, _inputs: &[Shape]) -> ScratchSize {
        ScratchSize::default()
    }

    /// Records `output = f(inputs)`.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if a kernel or bind group cannot be made.
    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()>;

    /// Records, for each input that wants one, `d_input (+)= d_output * df/d_input`.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()>;
}

/// Which values an operation's backward pass reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// Its inputs.
    pub inputs: bool,
    /// Its output.
    pub output: bool,
}

/// How much scratch an operation asks for. All operations of a program share it: one runs at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScratchSize {
    /// Shapes of buffers.
    pub buffers: Vec<Shape>,
    /// Textures.
    pub textures: Vec<TextureSize>,
}

/// Scratch as large as asked for, or larger.
#[derive(Debug, Default)]
pub struct Scratch {
    /// One for each entry of [`ScratchSize::buffers`], with the shape asked for.
    pub buffers: Vec<Tensor>,
    /// One for each entry of [`ScratchSize::textures`].
    pub textures: Vec<Texture>,
}

impl ScratchSize {
    /// Makes room for what another asks for, entry by entry.
    pub(crate) fn enlarge(&mut self, other: &Self) {
        for (i, shape) in other.buffers.iter().copied().enumerate() {
            match self.buffers.get_mut(i) {
                Some(largest) if largest.bytes() >= shape.bytes() => {}
                Some(largest) => *largest = shape,
                None => self.buffers.push(shape),
            }
        }
        let among: Vec<_> = self.textures.iter().map(|texture| texture.precision).collect();
        for (place, texture) in other.matching(&among).into_iter().zip(&other.textures) {
            match place {
                Some(i) => self.textures[i].vectors = self.textures[i].vectors.max(texture.vectors),
                None => self.textures.push(*texture),
            }
        }
    }

    /// For each texture asked for, which of these it is: the first of the same size of numbers for the
    /// first, and so on.
    pub(super) fn matching(&self, among: &[Precision]) -> Vec<Option<usize>> {
        let mut taken = vec![false; among.len()];
        let matching = self.textures.iter().map(|size| {
            let found = (0..among.len())
                .find(|i| !taken[*i] && among[*i].vector_bytes() == size.precision.vector_bytes());
            found.iter().for_each(|i| taken[*i] = true);
            found
        });
        matching.collect()
    }
}

/// What the forward pass of an operation works on.
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

/// What the backward pass of an operation works on.
#[derive(Debug)]
pub struct Backward<'a> {
    /// The node's name, for messages and timings.
    pub label: &'a str,
    /// Values of the inputs; of their shapes in any case, but meaningful only if [`Op::backward_reads`] says so.
    pub inputs: &'a [&'a Tensor],
    /// Value of the output; of its shape in any case, but meaningful only if [`Op::backward_reads`] says so.
    pub output: &'a Tensor,
    /// The complete gradient of the output. Nobody reads it afterwards: it may be overwritten.
    pub d_output: &'a Tensor,
    /// For each input, where its gradient goes, if it is wanted.
    pub d_inputs: &'a [Option<Gradient>],
    /// See [`Op::scratch`].
    pub scratch: &'a Scratch,
}

/// Where the gradient of an input goes.
#[derive(Debug)]
pub struct Gradient {
    /// The tensor to write to.
    pub tensor: Tensor,
    /// True if another consumer of the input has written already: add to it.
    pub accumulate: bool,
}

impl Gradient {
    /// The override constant that every backward kernel has for this.
    pub fn overrides(&self) -> [(&'static str, f64); 1] {
        [("ACCUMULATE", f64::from(u8::from(self.accumulate)))]
    }
}

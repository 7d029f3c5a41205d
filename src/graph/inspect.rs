//! Finds the first operation of a program whose result is NaN or infinite.

use std::fmt;
use std::ops::Range;

use super::Program;
use crate::error::Result;
use crate::gpu::{Gpu, PassKind, Recording, Tensor};

/// A value, or the gradient of an operation's input, and the commands of a program that compute it.
#[derive(Debug)]
pub(super) struct StepOutput {
    /// The operation that computes it.
    pub label: String,
    pub quantity: Quantity,
    /// The pass of the recording: a backward pass may recompute values.
    pub pass: PassKind,
    /// Indices of the commands in the recording.
    pub commands: Range<usize>,
    pub tensor: Tensor,
}

/// Which result of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Its value.
    Value,
    /// The gradient of one of its inputs, in the backward pass.
    Gradient,
}

/// The first result of an evaluation that is not finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFinite {
    /// The operation that computed it: a layer's name.
    pub label: String,
    /// Which of its results.
    pub quantity: Quantity,
    /// How many of its numbers are NaN.
    pub nans: usize,
    /// How many are infinite.
    pub infinities: usize,
    /// How many numbers there are.
    pub of: usize,
}

impl NotFinite {
    /// Counts NaN and infinity among the numbers of a result; `None` if all are finite.
    fn among(numbers: &[f32], label: &str, quantity: Quantity) -> Option<Self> {
        let nans = numbers.iter().filter(|number| number.is_nan()).count();
        let infinities = numbers.iter().filter(|number| number.is_infinite()).count();
        let found = Self { label: label.into(), quantity, nans, infinities, of: numbers.len() };
        (nans + infinities > 0).then_some(found)
    }
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, quantity, nans, infinities, of } = self;
        let kind = match (nans, infinities) {
            (_, 0) => "NaN",
            (0, _) => "infinity",
            _ => "NaN and infinity",
        };
        let what = match quantity {
            Quantity::Value => "its values",
            Quantity::Gradient => "the gradient of its input",
        };
        write!(f, "{label}: {kind} in {what} ({} of {of} numbers)", nans + infinities)
    }
}

impl Program {
    /// Evaluates once more, operation by operation, and reads each result back before its memory is reused. Returns the
    /// first that is not finite, or `None` if all are. Slow.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn first_not_finite(&self, gpu: &Gpu) -> Result<Option<NotFinite>> {
        for (leaf, tensor) in &self.leaves {
            if let Some(found) = NotFinite::among(&gpu.read(tensor)?, leaf, Quantity::Value) {
                return Ok(Some(found));
            }
        }
        for StepOutput { label, quantity, pass, commands, tensor } in &self.step_outputs {
            self.recording(*pass).submit_part(commands.clone())?;
            if let Some(found) = NotFinite::among(&gpu.read(tensor)?, label, *quantity) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn recording(&self, pass: PassKind) -> &Recording {
        if pass == PassKind::Forward { &self.forward } else { &self.backward }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_infinity_are_counted() {
        assert_eq!(NotFinite::among(&[0.0, f32::MAX], "a", Quantity::Value), None);
        let among =
            |numbers: &[f32]| NotFinite::among(numbers, "conv1_1", Quantity::Value).unwrap().to_string();
        assert_eq!(among(&[0.0, f32::NAN]), "conv1_1: NaN in its values (1 of 2 numbers)");
        assert_eq!(among(&[f32::NEG_INFINITY; 3]), "conv1_1: infinity in its values (3 of 3 numbers)");
        let both = NotFinite::among(&[f32::INFINITY, f32::NAN], "x", Quantity::Gradient).unwrap().to_string();
        assert_eq!(both, "x: NaN and infinity in the gradient of its input (2 of 2 numbers)");
    }
}

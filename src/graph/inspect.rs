//! Where in a program a number stops being finite.

use std::fmt;
use std::ops::Range;

use super::Program;
use crate::error::Result;
use crate::gpu::{Gpu, Recording, Tensor};

/// A value, or the gradient of an operation's input, that some commands of a program compute.
#[derive(Debug)]
pub(super) struct Produced {
    /// The operation that computes it.
    pub label: String,
    pub what: Produce,
    /// The name of the recording, since a backward pass may compute values again.
    pub pass: &'static str,
    /// The commands, by their place in it.
    pub commands: Range<usize>,
    pub tensor: Tensor,
}

/// What an operation computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Produce {
    /// Its value.
    Value,
    /// The gradient of an input, in its backward pass.
    Gradient,
}

/// The first numbers of an evaluation that are not finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFinite {
    /// The operation that computed them: a layer's name.
    pub label: String,
    /// Which of its numbers.
    pub what: Produce,
    /// How many are NaN.
    pub nans: usize,
    /// How many are infinite.
    pub infinities: usize,
    /// How many numbers there are.
    pub of: usize,
}

impl NotFinite {
    /// What is wrong with these numbers of a node, if anything.
    fn among(numbers: &[f32], label: &str, what: Produce) -> Option<Self> {
        let nans = numbers.iter().filter(|number| number.is_nan()).count();
        let infinities = numbers.iter().filter(|number| number.is_infinite()).count();
        let found = Self { label: label.into(), what, nans, infinities, of: numbers.len() };
        (nans + infinities > 0).then_some(found)
    }
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, what, nans, infinities, of } = self;
        let kind = match (nans, infinities) {
            (_, 0) => "NaN",
            (0, _) => "infinity",
            _ => "NaN and infinity",
        };
        let what = match what {
            Produce::Value => "its values",
            Produce::Gradient => "the gradient that it hands back",
        };
        write!(f, "{label}: {kind} in {what} ({} of {of} numbers)", nans + infinities)
    }
}

impl Program {
    /// Evaluates once more, operation by operation, and looks at what each leaves before another takes
    /// over its memory: the first numbers that are not finite, or `None` if all are. Reads everything
    /// back, so it takes its time.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn first_not_finite(&self, gpu: &Gpu) -> Result<Option<NotFinite>> {
        for (leaf, tensor) in &self.leaves {
            if let Some(found) = NotFinite::among(&gpu.read(tensor)?, leaf, Produce::Value) {
                return Ok(Some(found));
            }
        }
        for produced in &self.produced {
            let Produced { label, what, pass, commands, tensor } = produced;
            self.recording(pass).submit_part(commands.clone())?;
            if let Some(found) = NotFinite::among(&gpu.read(tensor)?, label, *what) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn recording(&self, pass: &str) -> &Recording {
        if pass == self.forward.name() { &self.forward } else { &self.backward }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_counted() {
        assert_eq!(NotFinite::among(&[0.0, f32::MAX], "a", Produce::Value), None);
        let among =
            |numbers: &[f32]| NotFinite::among(numbers, "conv1_1", Produce::Value).unwrap().to_string();
        assert_eq!(among(&[0.0, f32::NAN]), "conv1_1: NaN in its values (1 of 2 numbers)");
        assert_eq!(among(&[f32::NEG_INFINITY; 3]), "conv1_1: infinity in its values (3 of 3 numbers)");
        let both = NotFinite::among(&[f32::INFINITY, f32::NAN], "x", Produce::Gradient).unwrap().to_string();
        assert_eq!(both, "x: NaN and infinity in the gradient that it hands back (2 of 2 numbers)");
    }
}

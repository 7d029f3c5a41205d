//! A test case: an operation on given shapes, with its f64 reference. It serves the tests of the forward and of the
//! backward pass, the check by finite differences, and the benches.

use half::f16;

use crate::error::Result;
use crate::gpu::{Gpu, Precision, Shape};
use crate::graph::Op;

/// Numbers in `[channels][height][width]` order.
pub type Array = Vec<f64>;

/// Makes the operation on a device; `None` if the device is missing a feature that the variant needs.
pub type Build = Box<dyn Fn(&Gpu) -> Result<Option<Box<dyn Op>>> + Send + Sync>;

/// Computes the output from the inputs.
pub type Reference = Box<dyn Fn(&[Array]) -> Array + Send + Sync>;

/// Computes the inputs' gradients from the inputs and the output's gradient.
pub type ReferenceBackward = Box<dyn Fn(&[Array], &[f64]) -> Vec<Array> + Send + Sync>;

/// A test case of an operation.
pub struct Case {
    /// Operation, variant and sizes, for messages.
    pub label: String,
    /// The rung of the operation's ladder that it checks: a variant's name.
    pub rung: &'static str,
    /// How activations and weights are stored.
    pub precision: Precision,
    /// Numbers of the inputs lie between minus this and this: a power of two, so that they stay exact in f32.
    pub magnitude: f64,
    /// Shapes of the inputs.
    pub inputs: Vec<Shape>,
    /// Makes the operation.
    pub build: Build,
    /// The forward pass in plain arithmetic.
    pub reference: Reference,
    /// The backward pass in plain arithmetic.
    pub reference_backward: ReferenceBackward,
    /// Largest allowed error, relative to the largest number of the answer. Sums of a few thousand
    /// f32 products stay within 1e-5 of it; elementwise operations within 1e-6.
    pub tolerance: f64,
}

impl Case {
    /// The same with inputs, and what is stored as they are, in f16.
    pub(super) fn in_f16(self) -> Self {
        Self {
            label: format!("{}, f16", self.label),
            inputs: self.inputs.into_iter().map(|shape| shape.stored_in(Precision::F16)).collect(),
            precision: Precision::F16,
            tolerance: F16_TOLERANCE,
            ..self
        }
    }

    /// Reproducible inputs of the case's shapes, such as can be stored.
    pub fn numbers(&self) -> Vec<Array> {
        let input = |(i, shape): (usize, &Shape)| {
            let mut x = numbers(100 + i as u64, shape.len());
            x.iter_mut().for_each(|x| *x *= self.magnitude);
            if shape.precision == Precision::F16 {
                x.iter_mut().for_each(|x| *x = f16::from_f64(*x).to_f64());
            }
            x
        };
        self.inputs.iter().enumerate().map(input).collect()
    }
}

/// Tolerance where activations and weights are stored with 11 bits and gradients with 8.
pub(crate) const F16_TOLERANCE: f64 = 6e-3;

/// Reproducible numbers in [-1, 1): the same seed, the same numbers, on every machine (SplitMix64).
pub fn numbers(seed: u64, count: usize) -> Array {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // 24 bits are exact in f32, so that the device and the reference see the same numbers.
        ((z ^ (z >> 31)) >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    };
    (0..count).map(next).collect()
}

/// The signs of the values that a variant is tried with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestValues {
    /// Of either sign.
    Mixed,
    /// Weights of one sign for each output channel, and features that are not negative: no sum is close to zero. A sum
    /// that is may change its sign when it is rounded to f16; the ReLU then passes a whole gradient or none, and a
    /// right kernel looks wrong.
    OneSign,
    /// A short sequence over and over, for timings: quick to make, whatever the size.
    Repeated,
}

impl TestValues {
    /// Features with these signs.
    pub fn features(self, seed: u64, count: usize) -> Vec<f32> {
        let mut values = self.sequence(seed, count);
        if self == Self::OneSign {
            values.iter_mut().for_each(|value| *value = value.abs());
        }
        values
    }

    /// Weights with these signs: `per_channel` numbers for each of `channels`.
    pub fn weights(self, seed: u64, per_channel: usize, channels: usize) -> Vec<f32> {
        let mut weights = self.sequence(seed, per_channel * channels);
        if self == Self::OneSign {
            for (weights, sign) in weights.chunks_exact_mut(per_channel).zip(numbers(seed + 4, channels)) {
                weights.iter_mut().for_each(|weight| *weight = weight.copysign(sign as f32));
            }
        }
        weights
    }
}

impl TestValues {
    fn sequence(self, seed: u64, count: usize) -> Vec<f32> {
        // Prime, so that neither channels nor rows repeat.
        const PERIOD: usize = 4093;
        match self {
            Self::Mixed | Self::OneSign => to_f32(&numbers(seed, count)),
            Self::Repeated => to_f32(&numbers(seed, PERIOD)).into_iter().cycle().take(count).collect(),
        }
    }
}

/// f64 to f32, number by number.
pub fn to_f32(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

/// The largest difference between `got` and `want` over the largest magnitude in `want`. Infinite for NaN or a wrong
/// length.
pub fn distance(got: &[f32], want: &[f64]) -> f64 {
    let scale = want.iter().fold(1e-30, |most: f64, value| most.max(value.abs()));
    let off = |(got, want): (&f32, &f64)| (f64::from(*got) - want).abs() / scale;
    if got.len() != want.len() || got.iter().any(|value| value.is_nan()) {
        return f64::INFINITY;
    }
    got.iter().zip(want).map(off).fold(0.0, f64::max)
}

/// A shape of either layout, for random cases.
pub(super) fn any_shape(draw: &mut dyn FnMut(u32, u32) -> u32) -> Shape {
    let shape = [Shape::blocked, Shape::planar][draw(0, 1) as usize];
    shape(draw(1, 12), draw(1, 50), draw(1, 50))
}

/// Spatial sizes that fit no tile: 1, odd, prime, one past a tile, thin.
pub(super) const AWKWARD: [(u32, u32); 6] = [(1, 1), (5, 3), (7, 13), (2, 65), (17, 1), (16, 16)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checker_sees_what_is_wrong() {
        let want = [1.0, -2.0, 0.5];
        assert!(distance(&[1.0, -2.0, 0.5], &want) == 0.0);
        assert!(distance(&[1.0, -2.0, 0.6], &want) > 0.04);
        assert_eq!(distance(&[1.0, f32::NAN, 0.5], &want), f64::INFINITY);
        assert_eq!(distance(&[1.0, -2.0], &want), f64::INFINITY);
    }

    #[test]
    fn numbers_repeat_and_stay_in_range() {
        assert_eq!(numbers(3, 50), numbers(3, 50));
        assert_ne!(numbers(3, 50), numbers(4, 50));
        assert!(numbers(5, 1000).iter().all(|v| (-1.0..1.0).contains(v) && f64::from(*v as f32) == *v));
    }
}

//! Problems to tune for: an operation at the shape of some layers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::builtin::builtin;
use super::cache::{Chosen, Timed};
use super::rates::Rates;
use super::trial::{self, Times};
use crate::error::Result;
use crate::gpu::{Gpu, Precision, Shape};
use crate::ops::variants::{ComputePrecision, Pass, PassVariants, TunedOp, Variant};
use crate::vgg19::{Kernels, LayerId, activation_shape};

/// Names a problem in the cache: images of neighbouring sizes share a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    /// The operation's name.
    pub op: String,
    /// Channels in and out; the same number twice for a Gram matrix.
    channels: [u32; 2],
    /// Base-2 logarithm of the number of positions, rounded down.
    log2_positions: u32,
    /// Whether activations and weights are stored in f16.
    pub f16: bool,
}

impl Key {
    /// The operation; `None` if the name is not known.
    pub fn op(&self) -> Option<TunedOp> {
        TunedOp::ALL.into_iter().find(|op| op.name() == self.op)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, channels: [ins, outs], log2_positions, f16 } = self;
        write!(f, "{op} {ins} to {outs}, 2^{log2_positions} positions{}", if *f16 { ", f16" } else { "" })
    }
}

/// Channels below which a convolution takes no less time.
const FEW: u32 = 32;

/// One shape of an operation, and the layers that have it.
pub(super) struct Problem {
    pub key: Key,
    op: TunedOp,
    layers: Vec<LayerId>,
    features: Shape,
    out_channels: u32,
}

/// The problems of an image of `width` by `height` and layers up to `deepest`.
pub(super) fn problems([width, height]: [u32; 2], deepest: LayerId, precision: Precision) -> Vec<Problem> {
    let mut problems: Vec<Problem> = vec![];
    for layer in LayerId::all().filter(|layer| *layer <= deepest) {
        let output = activation_shape(layer, width, height).stored_in(precision);
        let input = Shape { channels: layer.spec().inputs as u32, ..output };
        for (op, features) in [(TunedOp::Conv3x3, input), (TunedOp::Gram, output)] {
            let key = Key {
                op: op.name().into(),
                channels: [features.channels, output.channels],
                log2_positions: output.positions().max(1).ilog2(),
                f16: precision == Precision::F16,
            };
            match problems.iter_mut().find(|problem| problem.key == key) {
                Some(problem) => problem.layers.push(layer),
                None => {
                    let (layers, out_channels) = (vec![layer], output.channels);
                    problems.push(Problem { key, op, layers, features, out_channels });
                }
            }
        }
    }
    problems
}

impl Problem {
    /// The choice by the class of the device alone, from the variants that agree with the definition there.
    pub fn builtin(&self, trusted: &[&'static Variant], precision: ComputePrecision) -> PassVariants {
        let candidates = self.candidates(trusted, precision);
        let of = |pass| builtin(self.op, pass, &candidates, self.features);
        PassVariants { forward: of(Pass::Forward), backward: of(Pass::Backward) }
    }

    /// The choice by time, for every precision that stores numbers as this problem does: all candidates are timed
    /// together, and f32 chooses among those that do not round. Those that cannot win by counts are not timed.
    pub fn timed(&self, gpu: &Gpu, trusted: &[&'static Variant], rates: Rates) -> Result<Vec<Timed>> {
        let shape = self.trial_shape(rates.budget(), gpu.max_tensor_bytes());
        let builtins = ComputePrecision::ALL.map(|precision| self.builtin(trusted, precision));
        let kept: Vec<_> = builtins.into_iter().flat_map(|both| [both.forward, both.backward]).collect();
        let all = self.candidates(trusted, ComputePrecision::Mixed);
        let worth = |variant: &&'static Variant| {
            kept.contains(variant) || !rates.rule_out(variant, &all, shape, self.out_channels)
        };
        let timed = match &all.iter().copied().filter(worth).collect::<Vec<_>>()[..] {
            candidates if candidates.len() < 2 => vec![],
            candidates => trial::times(gpu, candidates, &kept, shape, self.out_channels)?,
        };
        let stored = |precision: &ComputePrecision| precision.storage() == self.features.precision;
        let choice = |precision| {
            let builtin = self.builtin(trusted, precision);
            let of = |pass| self.chosen(&timed, shape, precision, pass, builtin.of(pass));
            Timed::new(self.key.clone(), precision, Pass::ALL.map(of))
        };
        Ok(ComputePrecision::ALL.into_iter().filter(stored).map(choice).collect())
    }

    /// The choice for a pass. The built-in one stands unless another variant is faster beyond the noise of timing.
    fn chosen(
        &self,
        timed: &[Times],
        trial: Shape,
        precision: ComputePrecision,
        pass: Pass,
        builtin: &'static Variant,
    ) -> Chosen {
        let allowed = timed.iter().filter(|times| precision.allows(times.variant));
        let seconds = |seconds: f64| seconds / f64::from(trial.positions());
        match trial::clearly_fastest(allowed, pass, builtin) {
            Some(times) => Chosen {
                variant: times.variant.name.into(),
                fastest: seconds(times.fastest(pass)),
                slowest: seconds(times.slowest(pass)),
            },
            None => Chosen { variant: builtin.name.into(), fastest: 0.0, slowest: 0.0 },
        }
    }

    /// How many positions its layers have together.
    pub fn positions(&self) -> f64 {
        self.layers.len() as f64 * f64::from(self.features.positions())
    }

    /// Sets the variants of its layers.
    pub fn apply(&self, variants: PassVariants, kernels: &mut Kernels) {
        for (layer, pass) in self.layers.iter().flat_map(|layer| Pass::ALL.map(|pass| (*layer, pass))) {
            kernels.set(layer, pass, variants.of(pass));
        }
    }

    /// The deepest of its layers.
    pub fn deepest(&self) -> Option<LayerId> {
        self.layers.iter().max().copied()
    }

    fn candidates(&self, trusted: &[&'static Variant], precision: ComputePrecision) -> Vec<&'static Variant> {
        let suits = |variant: &&'static Variant| variant.op() == self.op && precision.allows(variant);
        trusted.iter().copied().filter(suits).collect()
    }

    /// As many rows as `budget` floating-point operations take, but enough positions to give every lane of a workgroup
    /// work, as the whole layer would. No more rows than one tensor of `max_tensor_bytes` holds: the layer itself may
    /// run in bands.
    fn trial_shape(&self, budget: f64, max_tensor_bytes: u64) -> Shape {
        let enough = 1024 / self.features.width.max(1);
        let taps = if self.op == TunedOp::Conv3x3 { 9.0 } else { 1.0 };
        // A run on few channels is bound by memory.
        let [ins, outs] = [self.features.channels, self.out_channels].map(|n| f64::from(n.max(FEW)));
        let channels = ins * outs;
        let a_row = 2.0 * taps * channels * f64::from(self.features.width);
        let rows = (budget / a_row) as u32;
        let widest = self.features.channels.max(self.out_channels);
        let row_bytes = Shape { channels: widest, height: 1, ..self.features }.bytes();
        let most = (max_tensor_bytes / row_bytes).min(u64::from(self.features.height)) as u32;
        Shape { height: rows.max(enough).min(most).max(1), ..self.features }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_fit_in_one_tensor() {
        for precision in [Precision::F32, Precision::F16] {
            for problem in problems([1024, 768], LayerId::LAST, precision) {
                for (budget, limit) in [(3e8, 128 << 20), (2e10, 128 << 20), (2e10, 4 << 20), (2e10, 4 << 30)]
                {
                    let shape = problem.trial_shape(budget, limit);
                    let largest = Shape { channels: shape.channels.max(problem.out_channels), ..shape };
                    assert!(largest.bytes() <= limit, "{}: {largest:?} in {limit} bytes", problem.key);
                    assert!(shape.height > 0 && shape.height <= problem.features.height, "{}", problem.key);
                }
            }
        }
    }
}

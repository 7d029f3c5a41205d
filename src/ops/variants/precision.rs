//! What is computed in which precision.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{TunedOp, Variant};
use crate::gpu::{Gpu, Precision};

/// Precision of a network's computation: how its numbers are stored, and whether they may be rounded before they are
/// multiplied. Sums, Gram matrices, losses and the optimiser are f32 in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComputePrecision {
    /// Stored and multiplied as f32, or by a variant that is as accurate.
    #[default]
    F32,
    /// Stored as f32; variants may round numbers to the 11 bits of f16 before they multiply them, as TF32 does.
    Mixed,
    /// Features and weights stored as f16, gradients as bf16; variants may round, too.
    F16,
}

impl ComputePrecision {
    /// All of them, the most accurate first.
    pub const ALL: [Self; 3] = [Self::F32, Self::Mixed, Self::F16];

    /// How features and weights are stored.
    pub fn storage(self) -> Precision {
        match self {
            Self::F32 | Self::Mixed => Precision::F32,
            Self::F16 => Precision::F16,
        }
    }

    /// Whether variants that round their inputs to f16 may run.
    pub fn allows_rounding(self) -> bool {
        self != Self::F32
    }

    /// Whether a variant is accurate enough.
    pub fn allows(self, variant: &Variant) -> bool {
        self.allows_rounding() || !variant.rounds_to_f16()
    }

    /// Whether any candidate of this precision rounds on a device. Where none does, mixed is computed as f32 is.
    pub fn rounds_on(self, gpu: &Gpu) -> bool {
        TunedOp::ALL.iter().flat_map(|op| op.candidates(gpu, self)).any(Variant::rounds_to_f16)
    }

    /// `f32`, `mixed` or `f16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Mixed => "mixed",
            Self::F16 => "f16",
        }
    }
}

impl fmt::Display for ComputePrecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

//! The registry of variants: every way to compute a 3x3 convolution or a Gram matrix, described once.
//!
//! The ladder, the tuner's candidates, kernel overrides, the tests and the benches derive from [`VARIANTS`]. A new rung is
//! one WGSL file and one entry in `table.rs`.

mod needs;
mod precision;
mod table;
mod variant;

pub(super) use needs::{Needs, Subgroups};
pub use precision::ComputePrecision;
pub use table::VARIANTS;
use variant::Passes;
pub use variant::{Arithmetic, DeviceClass, PassVariants, Variant};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::gpu::{Gpu, PassKind, Shader};

/// An operation that has several variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunedOp {
    /// A 3x3 convolution with bias and ReLU.
    Conv3x3,
    /// The Gram matrix of feature maps.
    Gram,
}

impl TunedOp {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Conv3x3, Self::Gram];

    /// Its name in tables and in kernel overrides.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conv3x3 => "conv3x3",
            Self::Gram => "gram",
        }
    }

    /// Its variants, plainest first: the rungs of its ladder.
    pub fn variants(self) -> impl DoubleEndedIterator<Item = &'static Variant> + Clone {
        VARIANTS.iter().filter(move |variant| variant.op() == self)
    }

    /// The variant of this name.
    ///
    /// # Errors
    /// [`Error::Usage`] with the names that exist.
    pub fn variant(self, name: &str) -> Result<&'static Variant> {
        self.variants().find(|variant| variant.name == name).ok_or_else(|| {
            let names: Vec<_> = self.variants().map(|variant| variant.name).collect();
            let op = self.name();
            Error::Usage(format!("{op} has no variant '{name}': choose from {}", names.join(", ")))
        })
    }

    /// The definition, which all other variants are checked against.
    pub fn naive(self) -> &'static Variant {
        self.variants().next().expect("the table has variants of every operation")
    }

    /// The variants worth timing on a device, plainest first; empty if only the naive one runs. Lists are short, since
    /// a CPU driver takes about a second to compile each kernel. Variants that round to f16 by themselves are
    /// candidates only where the precision allows it.
    pub fn candidates(self, gpu: &Gpu, precision: ComputePrecision) -> Vec<&'static Variant> {
        let of_class = |class: DeviceClass| -> Vec<&'static Variant> {
            let candidates = self.variants().filter(|variant| variant.timed_on == Some(class));
            candidates
                .filter(|variant| precision.allows(variant))
                .filter(|variant| variant.runs_on(gpu))
                .collect()
        };
        if gpu.adapter().is_software() {
            let candidates = of_class(DeviceClass::CpuDriver);
            if !candidates.is_empty() {
                return candidates;
            }
        }
        of_class(DeviceClass::Gpu)
    }
}

impl fmt::Display for TunedOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The direction in which an operation is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pass {
    /// Output from inputs.
    Forward,
    /// Gradients of the inputs from that of the output.
    Backward,
}

impl Pass {
    /// Both, in the order in which they run.
    pub const ALL: [Self; 2] = [Self::Forward, Self::Backward];

    /// `forward` or `backward`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
        }
    }
}

impl From<Pass> for PassKind {
    fn from(pass: Pass) -> Self {
        match pass {
            Pass::Forward => Self::Forward,
            Pass::Backward => Self::Backward,
        }
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Every kernel of every variant of an operation, each once.
pub(super) fn shaders(op: TunedOp) -> Vec<&'static Shader> {
    let mut shaders: Vec<&'static Shader> = op.variants().flat_map(Variant::shaders).collect();
    shaders.sort_by_key(|shader| shader.name);
    shaders.dedup_by_key(|shader| shader.name);
    shaders
}

/// A variant of an operation that `draw(low, high)` chooses.
pub(super) fn random(op: TunedOp, draw: &mut dyn FnMut(u32, u32) -> u32) -> &'static Variant {
    let variants: Vec<_> = op.variants().collect();
    variants[draw(0, variants.len() as u32 - 1) as usize]
}

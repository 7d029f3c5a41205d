//! The registry of variants: every way to compute a 3x3 convolution or a Gram matrix, described once.
//!
//! The ladder, the tuner's candidates, kernel overrides, the tests and the benches derive from [`VARIANTS`]. A new rung is
//! one WGSL file and one entry in `table.rs`.

mod needs;
mod table;

pub(super) use needs::{Needs, Subgroups};
pub use table::VARIANTS;

use std::fmt;

use serde::Serialize;

use super::case::{TestValues, numbers, to_f32};
use super::conv::{Conv, ConvMethod, PackedWeights, Winograd};
use super::gemm::GemmKernel;
use super::gram::{Gram, GramKernel};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, PassKind, Precision, Shader, Shape};
use crate::graph::Op;

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
    /// candidates only where f16 was asked for.
    pub fn candidates(self, gpu: &Gpu, precision: Precision) -> Vec<&'static Variant> {
        let of_class = |class: DeviceClass| -> Vec<&'static Variant> {
            let accurate = |variant: &&Variant| precision == Precision::F16 || !variant.rounds_to_f16();
            let candidates = self.variants().filter(|variant| variant.timed_on == Some(class));
            candidates.filter(accurate).filter(|variant| variant.runs_on(gpu)).collect()
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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

/// The classes of devices that the choice of candidates tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceClass {
    /// Hardware.
    Gpu,
    /// A driver that runs shaders on the CPU.
    CpuDriver,
}

/// Precision of a variant's multiplications. Sums are f32 in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// f32 throughout.
    F32,
    /// Inputs and weights are rounded to f16 before they are multiplied.
    F16Inputs,
}

/// One way to compute an operation: a rung of its ladder.
#[derive(Debug)]
pub struct Variant {
    /// Its name in kernel overrides and tables; unique for an operation.
    pub name: &'static str,
    /// The idea, in a few words for help texts.
    pub summary: &'static str,
    /// The kernels of both passes.
    pub(super) passes: Passes,
    /// Precision of its multiplications.
    pub arithmetic: Arithmetic,
    /// The class of device on which it is worth timing; `None` for rungs that teach, or serve as reference.
    pub timed_on: Option<DeviceClass>,
}

/// The kernels that a variant runs.
#[derive(Debug)]
pub(super) enum Passes {
    /// Of a convolution.
    Conv { forward: ConvMethod, backward: ConvMethod },
    /// Of a Gram matrix, whose backward pass is a GEMM.
    Gram { forward: &'static GramKernel, backward: &'static GemmKernel },
}

impl Passes {
    /// A convolution that multiplies directly.
    const fn conv(gemm: &'static GemmKernel) -> Self {
        Self::Conv { forward: ConvMethod::gemm(gemm), backward: ConvMethod::gemm(gemm) }
    }

    /// A convolution by Winograd's method.
    const fn winograd(transform: &'static Winograd, gemm: &'static GemmKernel) -> Self {
        let method = ConvMethod { gemm, winograd: Some(transform) };
        Self::Conv { forward: method, backward: method }
    }
}

impl Variant {
    /// The operation that it computes.
    pub fn op(&self) -> TunedOp {
        match self.passes {
            Passes::Conv { .. } => TunedOp::Conv3x3,
            Passes::Gram { .. } => TunedOp::Gram,
        }
    }

    /// True if inputs and weights are rounded to f16 before they are multiplied.
    pub fn rounds_to_f16(&self) -> bool {
        self.arithmetic == Arithmetic::F16Inputs
    }

    /// True if a pass transforms tiles of its input, which pays only for many channels and many tiles.
    pub fn has_transform(&self, pass: Pass) -> bool {
        self.conv_method(pass).is_ok_and(|method| method.winograd.is_some())
    }

    /// True if this pass is computed exactly as that of another variant.
    pub fn shares(&self, pass: Pass, other: &Self) -> bool {
        let kernels = |variant: &Self| -> Vec<&'static str> {
            variant.shaders_of(pass).into_iter().map(|shader| shader.name).collect()
        };
        self.op() == other.op() && kernels(self) == kernels(other)
    }

    /// What the device is missing, in words to follow "needs"; `None` if the variant can run.
    pub fn missing(&self, gpu: &Gpu) -> Option<String> {
        let needs = match self.passes {
            Passes::Conv { forward, backward } => [forward.gemm.needs, backward.gemm.needs],
            Passes::Gram { forward, backward } => [forward.needs, backward.needs],
        };
        let features = needs.iter().find_map(|needs| needs.missing(gpu));
        features.or_else(|| self.shaders().into_iter().find_map(|shader| shader.exceeded_limits(gpu)))
    }

    /// Whether the device has what the variant needs.
    pub fn runs_on(&self, gpu: &Gpu) -> bool {
        self.missing(gpu).is_none()
    }

    /// The operation with reproducible weights, for tests and timings: on `features` of this shape, to `out_channels`.
    /// The convolution has 3x3 filters and a ReLU.
    ///
    /// # Errors
    /// [`Error::Gpu`] when memory runs out.
    pub fn test_op(
        &'static self,
        gpu: &Gpu,
        features: Shape,
        out_channels: u32,
        values: TestValues,
    ) -> Result<Box<dyn Op>> {
        match self.op() {
            TunedOp::Conv3x3 => {
                let weight = values.weights(1, features.channels as usize * 9, out_channels as usize);
                let bias = to_f32(&numbers(2, out_channels as usize));
                let channels = [out_channels, features.channels];
                let weights = PackedWeights::new(gpu, self, features.precision, &weight, &bias, channels)?;
                Ok(Box::new(Conv::new(weights.into(), true)))
            }
            TunedOp::Gram => Ok(Box::new(Gram::new(gpu, self, features.channels)?)),
        }
    }

    /// Every kernel that it launches.
    pub(super) fn shaders(&self) -> Vec<&'static Shader> {
        Pass::ALL.iter().flat_map(|pass| self.shaders_of(*pass)).collect()
    }

    fn shaders_of(&self, pass: Pass) -> Vec<&'static Shader> {
        match (&self.passes, pass) {
            (Passes::Conv { forward, .. }, Pass::Forward) => forward.shaders(),
            (Passes::Conv { backward, .. }, Pass::Backward) => backward.shaders(),
            (Passes::Gram { forward, .. }, Pass::Forward) => vec![&forward.shader],
            (Passes::Gram { backward, .. }, Pass::Backward) => vec![&backward.shader],
        }
    }

    /// How a pass of the convolution is computed.
    ///
    /// # Errors
    /// [`Error::Gpu`] for a variant of another operation.
    pub(super) fn conv_method(&self, pass: Pass) -> Result<ConvMethod> {
        match (&self.passes, pass) {
            (Passes::Conv { forward, .. }, Pass::Forward) => Ok(*forward),
            (Passes::Conv { backward, .. }, Pass::Backward) => Ok(*backward),
            (Passes::Gram { .. }, _) => Err(self.wrong_op(TunedOp::Conv3x3)),
        }
    }

    /// The kernels of the Gram matrix, forward and backward.
    ///
    /// # Errors
    /// [`Error::Gpu`] for a variant of another operation.
    pub(super) fn gram_kernels(&self) -> Result<(&'static GramKernel, &'static GemmKernel)> {
        match self.passes {
            Passes::Gram { forward, backward } => Ok((forward, backward)),
            Passes::Conv { .. } => Err(self.wrong_op(TunedOp::Gram)),
        }
    }

    fn wrong_op(&self, wanted: TunedOp) -> Error {
        Error::gpu("choosing kernels", format!("{} {self} does not compute {wanted}", self.op()))
    }
}

impl PartialEq for Variant {
    fn eq(&self, other: &Self) -> bool {
        (self.op(), self.name) == (other.op(), other.name)
    }
}

impl Eq for Variant {}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// The variants that the two passes of one operation run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassVariants {
    /// Of the forward pass.
    pub forward: &'static Variant,
    /// Of the backward pass.
    pub backward: &'static Variant,
}

impl PassVariants {
    /// The variant of a pass.
    pub fn of(self, pass: Pass) -> &'static Variant {
        match pass {
            Pass::Forward => self.forward,
            Pass::Backward => self.backward,
        }
    }

    /// The same with another variant for one pass.
    pub fn with(self, pass: Pass, variant: &'static Variant) -> Self {
        match pass {
            Pass::Forward => Self { forward: variant, ..self },
            Pass::Backward => Self { backward: variant, ..self },
        }
    }
}

impl From<&'static Variant> for PassVariants {
    fn from(variant: &'static Variant) -> Self {
        Self { forward: variant, backward: variant }
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

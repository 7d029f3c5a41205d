//! A variant: its description, and what follows from it.

use std::fmt;

use super::{Needs, Pass, TunedOp};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Shader, Shape};
use crate::graph::Op;
use crate::ops::case::{TestValues, numbers, to_f32};
use crate::ops::conv::{Conv, ConvMethod, HaloKernel, PackedWeights, Winograd};
use crate::ops::gemm::GemmKernel;
use crate::ops::gram::{Gram, GramKernel};

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
    pub(super) const fn conv(gemm: &'static GemmKernel) -> Self {
        Self::Conv { forward: ConvMethod::gemm(gemm), backward: ConvMethod::gemm(gemm) }
    }

    /// A convolution on matrix units, from halos.
    pub(super) const fn halo(kernel: &'static HaloKernel) -> Self {
        Self::Conv { forward: ConvMethod::Halo(kernel), backward: ConvMethod::Halo(kernel) }
    }

    /// A convolution by Winograd's method.
    pub(super) const fn winograd(transform: &'static Winograd, gemm: &'static GemmKernel) -> Self {
        let method = ConvMethod::Gemm { gemm, winograd: Some(transform), rounds: false };
        Self::Conv { forward: method, backward: method }
    }

    /// The same of rounded inputs and weights.
    pub(super) const fn rounded_winograd(transform: &'static Winograd, gemm: &'static GemmKernel) -> Self {
        let method = ConvMethod::Gemm { gemm, winograd: Some(transform), rounds: true };
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

    /// True if either pass runs on matrix units.
    pub fn uses_matrix_units(&self) -> bool {
        self.needs().iter().any(|needs| needs.matrix_units)
    }

    /// Outputs along the edge of the tiles that a pass transforms, if it does: n of Winograd's F(n x n, 3 x 3).
    pub fn tile_outputs(&self, pass: Pass) -> Option<u32> {
        Some(self.conv_method(pass).ok()?.winograd()?.outputs())
    }

    /// True if a pass transforms tiles of its input, which pays only for many channels and many tiles.
    pub fn has_transform(&self, pass: Pass) -> bool {
        self.conv_method(pass).is_ok_and(|method| method.winograd().is_some())
    }

    /// Tiles of 4 x 4 outputs below which transforms and matrix units do not pay, because the tiles of the GEMM are not full.
    /// On lavapipe with 16 tiles the transforms pay where the GEMM has tiles of 16 positions, and with 4 they do not.
    pub fn fewest_tiles(&self, pass: Pass) -> u32 {
        let shrink = self.conv_method(pass).is_ok_and(|method| method.tiles_shrink());
        if shrink { 16 } else { 32 }
    }

    /// True if it is made for drivers that run on the CPU, where textures are faster to read than buffers.
    pub fn is_for_cpu_drivers(&self) -> bool {
        match self.passes {
            Passes::Conv { forward, .. } => forward.reads_textures(),
            Passes::Gram { forward, .. } => forward.reads_textures,
        }
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
        let features = self.needs().iter().find_map(|needs| needs.missing(gpu));
        features.or_else(|| self.shaders().into_iter().find_map(|shader| shader.exceeded_limits(gpu)))
    }

    fn needs(&self) -> [Needs; 2] {
        match self.passes {
            Passes::Conv { forward, backward } => [forward.needs(), backward.needs()],
            Passes::Gram { forward, backward } => [forward.needs, backward.needs],
        }
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
    pub(in crate::ops) fn shaders(&self) -> Vec<&'static Shader> {
        Pass::ALL.iter().flat_map(|pass| self.shaders_of(*pass)).collect()
    }

    fn shaders_of(&self, pass: Pass) -> Vec<&'static Shader> {
        match (&self.passes, pass) {
            (Passes::Conv { forward, .. }, Pass::Forward) => forward.shaders(),
            (Passes::Conv { backward, .. }, Pass::Backward) => backward.shaders(),
            (Passes::Gram { forward, .. }, Pass::Forward) => forward.shaders(),
            (Passes::Gram { backward, .. }, Pass::Backward) => vec![&backward.shader],
        }
    }

    /// How a pass of the convolution is computed.
    ///
    /// # Errors
    /// [`Error::Gpu`] for a variant of another operation.
    pub(in crate::ops) fn conv_method(&self, pass: Pass) -> Result<ConvMethod> {
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
    pub(in crate::ops) fn gram_kernels(&self) -> Result<(&'static GramKernel, &'static GemmKernel)> {
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

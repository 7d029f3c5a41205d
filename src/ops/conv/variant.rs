//! The ladder of convolution.

use std::fmt;

use super::winograd::Transform;
use crate::gpu::Gpu;
use crate::ops::gemm::GemmKernel;

/// How a convolution is computed, forward and backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConvVariant {
    /// The definition, for reading and for checking the others.
    Naive,
    /// Implicit GEMM with tiles in workgroup memory.
    Tiled,
    /// Eight by eight results an invocation, in registers.
    Registers,
    /// Workgroup memory read by the vector, the next slab loaded while one is multiplied.
    Vectors,
    /// Winograd's F(2x2, 3x3) around the product of `Vectors`.
    WinogradF2,
    /// Winograd's F(4x4, 3x3) around the product of `Vectors`.
    WinogradF4,
    /// Cooperative matrices with f16 inputs, forward only; backward as `Vectors`.
    Cooperative,
    /// Registers, subgroup broadcasts and storage textures: for drivers on the CPU.
    Texture,
    /// Winograd's F(4x4, 3x3) around the texture product.
    TextureWinogradF4,
}

impl ConvVariant {
    /// All rungs, plainest first.
    pub const ALL: [Self; 9] = [
        Self::Naive,
        Self::Tiled,
        Self::Registers,
        Self::Vectors,
        Self::WinogradF2,
        Self::WinogradF4,
        Self::Cooperative,
        Self::Texture,
        Self::TextureWinogradF4,
    ];

    /// The kernel that multiplies in the forward pass.
    pub(super) fn gemm(self) -> GemmKernel {
        match self {
            Self::Naive => GemmKernel::Naive,
            Self::Tiled => GemmKernel::Tiled,
            Self::Registers => GemmKernel::Registers,
            Self::Vectors | Self::WinogradF2 | Self::WinogradF4 => GemmKernel::Vectors,
            Self::Cooperative => GemmKernel::Cooperative,
            Self::Texture | Self::TextureWinogradF4 => GemmKernel::Texture,
        }
    }

    /// The kernel that multiplies in the backward pass: another one only where gradients would be too
    /// small for the numbers of the first.
    pub(super) fn backward_gemm(self) -> GemmKernel {
        match self {
            Self::Cooperative => GemmKernel::Vectors,
            other => other.gemm(),
        }
    }

    /// Whether inputs and weights are rounded to f16 before they are multiplied. Such a variant is for
    /// those who asked for it.
    pub fn is_reduced_precision(self) -> bool {
        self == Self::Cooperative
    }

    /// The transform around it, for those that have one.
    pub(super) fn transform(self) -> Option<Transform> {
        match self {
            Self::WinogradF2 => Some(Transform::F2),
            Self::WinogradF4 | Self::TextureWinogradF4 => Some(Transform::F4),
            Self::Naive
            | Self::Tiled
            | Self::Registers
            | Self::Vectors
            | Self::Cooperative
            | Self::Texture => None,
        }
    }

    /// Whether the device has what the variant needs.
    pub fn runs_on(self, gpu: &Gpu) -> bool {
        self.lacks(gpu).is_none()
    }

    /// What the device lacks of what the variant needs, in words to follow "needs".
    pub fn lacks(self, gpu: &Gpu) -> Option<String> {
        self.gemm().lacks(gpu).or_else(|| self.backward_gemm().lacks(gpu))
    }

    /// The variant of this [`name`](Self::name).
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variant| variant.name() == name)
    }

    /// As `--kernel` takes it and tables show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Naive => "naive",
            Self::Tiled => "tiled",
            Self::Registers => "registers",
            Self::Vectors => "vectors",
            Self::WinogradF2 => "winograd_f2",
            Self::WinogradF4 => "winograd_f4",
            Self::Cooperative => "cooperative",
            Self::Texture => "texture",
            Self::TextureWinogradF4 => "texture_winograd_f4",
        }
    }
}

impl fmt::Display for ConvVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

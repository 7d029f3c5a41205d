//! The ladder of convolution.

use std::fmt;

use super::winograd::Transform;
use crate::gpu::Gpu;
use crate::ops::product::ProductKernel;

/// How a convolution is computed, forward and backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConvVariant {
    /// The definition, for reading and for checking the others.
    Naive,
    /// Implicit GEMM with tiles in workgroup memory.
    Tiled,
    /// Winograd's F(2x2, 3x3) around the tiled product.
    WinogradF2,
    /// Winograd's F(4x4, 3x3) around the tiled product.
    WinogradF4,
    /// Registers, subgroup broadcasts and texture fetches: for drivers on the CPU.
    Texture,
    /// Winograd's F(4x4, 3x3) around the texture product.
    TextureWinogradF4,
}

impl ConvVariant {
    /// All rungs, plainest first.
    pub const ALL: [Self; 6] = [
        Self::Naive,
        Self::Tiled,
        Self::WinogradF2,
        Self::WinogradF4,
        Self::Texture,
        Self::TextureWinogradF4,
    ];

    /// The kernel that multiplies.
    pub(super) fn product(self) -> ProductKernel {
        match self {
            Self::Naive => ProductKernel::Naive,
            Self::Tiled | Self::WinogradF2 | Self::WinogradF4 => ProductKernel::Tiled,
            Self::Texture | Self::TextureWinogradF4 => ProductKernel::Texture,
        }
    }

    /// The transform around it, for those that have one.
    pub(super) fn transform(self) -> Option<Transform> {
        match self {
            Self::WinogradF2 => Some(Transform::F2),
            Self::WinogradF4 | Self::TextureWinogradF4 => Some(Transform::F4),
            Self::Naive | Self::Tiled | Self::Texture => None,
        }
    }

    /// Whether the device has what the variant needs.
    pub fn runs_on(self, gpu: &Gpu) -> bool {
        self.product().runs_on(gpu)
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
            Self::WinogradF2 => "winograd_f2",
            Self::WinogradF4 => "winograd_f4",
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

//! Tensors: a shape, a layout and a buffer on the GPU.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use half::{bf16, f16};
use rayon::prelude::*;

use super::memory::Entry;

/// Storage precision of a tensor's numbers. Kernels always compute in f32: see `gpu/storage_precision.rs`. NaN and
/// infinity are kept in all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// Four bytes a number.
    #[default]
    F32,
    /// Two bytes a number, rounded to 11 bits. Finite numbers beyond 65504 are stored as 65504, with their sign.
    F16,
    /// Two bytes a number, rounded to 8 bits, with the range of f32.
    Bf16,
}

impl Precision {
    /// The format of a texture that holds four numbers a texel. f16 and bf16 are told apart in the kernel, so one texture
    /// can hold either.
    pub(super) fn texture_format(self) -> wgpu::TextureFormat {
        match self {
            Self::F32 => wgpu::TextureFormat::Rgba32Float,
            Self::F16 | Self::Bf16 => wgpu::TextureFormat::Rgba16Uint,
        }
    }

    /// Bytes of four numbers.
    pub fn vector_bytes(self) -> u64 {
        match self {
            Self::F32 => 16,
            Self::F16 | Self::Bf16 => 8,
        }
    }

    /// The number whose bytes are all this one.
    pub fn repeated(self, byte: u8) -> f32 {
        match self {
            Self::F32 => f32::from_bits(u32::from_ne_bytes([byte; 4])),
            Self::F16 => f16::from_bits(u16::from_ne_bytes([byte; 2])).to_f32(),
            Self::Bf16 => bf16::from_bits(u16::from_ne_bytes([byte; 2])).to_f32(),
        }
    }

    /// Numbers as they are stored.
    pub(super) fn encode(self, numbers: &[f32]) -> Cow<'_, [u8]> {
        match self {
            Self::F32 => bytemuck::cast_slice(numbers).into(),
            Self::F16 => {
                let halves: Vec<f16> = numbers.iter().map(|number| saturated(*number)).collect();
                bytemuck::cast_slice(&halves).to_vec().into()
            }
            Self::Bf16 => {
                let halves: Vec<bf16> = numbers.iter().map(|number| bf16::from_f32(*number)).collect();
                bytemuck::cast_slice(&halves).to_vec().into()
            }
        }
    }

    /// The inverse of [`encode`](Self::encode).
    pub(super) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F32 => bytemuck::pod_collect_to_vec(bytes),
            Self::F16 => {
                let halves: Vec<f16> = bytemuck::pod_collect_to_vec(bytes);
                halves.into_iter().map(f16::to_f32).collect()
            }
            Self::Bf16 => {
                let halves: Vec<bf16> = bytemuck::pod_collect_to_vec(bytes);
                halves.into_iter().map(bf16::to_f32).collect()
            }
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        })
    }
}

/// The same as in kernels: see `shaders/shared/storage_f16.wgsl`.
fn saturated(number: f32) -> f16 {
    let most = f16::MAX.to_f32();
    f16::from_f32(if number.is_finite() { number.clamp(-most, most) } else { number })
}

/// The order of a tensor's numbers in its buffer. Every buffer is a whole number of vectors of four, so that elementwise
/// kernels can treat any tensor as `array<vec4<f32>>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `[channels][height][width]`, then zeros up to a multiple of four numbers.
    Planar,
    /// `[ceil(channels / 4)][height][width]` of `vec4`: four neighbouring channels of one position are contiguous, so that
    /// one load serves four steps of a convolution's inner loop. Channels past the end are zero; every kernel writes zeros
    /// there.
    Blocked,
}

/// Extent and layout of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Feature maps (or rows of a matrix).
    pub channels: u32,
    /// Rows of each map.
    pub height: u32,
    /// Columns of each map.
    pub width: u32,
    /// Order of the numbers in memory.
    pub layout: Layout,
    /// How each is stored.
    pub precision: Precision,
}

impl Shape {
    /// Feature maps `[channels, height, width]` in the blocked layout.
    pub const fn blocked(channels: u32, height: u32, width: u32) -> Self {
        Self { channels, height, width, layout: Layout::Blocked, precision: Precision::F32 }
    }

    /// `[channels, height, width]` in the planar layout: that of the variable.
    pub const fn planar(channels: u32, height: u32, width: u32) -> Self {
        Self { channels, height, width, layout: Layout::Planar, precision: Precision::F32 }
    }

    /// The same, stored in this precision.
    pub const fn stored_in(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// One number.
    pub const fn scalar() -> Self {
        Self::planar(1, 1, 1)
    }

    /// Positions in one map: `height * width`.
    pub fn positions(&self) -> u32 {
        self.height * self.width
    }

    /// Number of elements, without padding.
    pub fn len(&self) -> usize {
        self.channels as usize * self.height as usize * self.width as usize
    }

    /// True if it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Blocks of four channels: `ceil(channels / 4)`.
    pub fn channel_blocks(&self) -> u32 {
        self.channels.div_ceil(4)
    }

    /// Vectors of four numbers in the buffer, with padding.
    pub fn vectors(&self) -> u64 {
        match self.layout {
            Layout::Planar => (self.len() as u64).div_ceil(4),
            Layout::Blocked => self.channel_blocks() as u64 * self.height as u64 * self.width as u64,
        }
    }

    /// Size of the buffer in bytes.
    pub fn bytes(&self) -> u64 {
        self.vectors() * self.precision.vector_bytes()
    }

    /// Numbers in `[channels][height][width]` order to the order of the buffer.
    pub(crate) fn pack(&self, plain: &[f32]) -> Vec<f32> {
        debug_assert_eq!(plain.len(), self.len());
        let mut packed = vec![0.0; self.vectors() as usize * 4];
        match self.layout {
            Layout::Planar => packed[..plain.len()].copy_from_slice(plain),
            Layout::Blocked => {
                let positions = (self.positions() as usize).max(1);
                let blocks = packed.par_chunks_mut(4 * positions).zip(plain.par_chunks(4 * positions));
                blocks.for_each(|(packed, plain)| {
                    for (c, map) in plain.chunks(positions).enumerate() {
                        map.iter().enumerate().for_each(|(p, value)| packed[4 * p + c] = *value);
                    }
                });
            }
        }
        packed
    }

    /// The inverse of [`pack`](Self::pack).
    pub(crate) fn unpack(&self, packed: &[f32]) -> Vec<f32> {
        let mut plain = vec![0.0; self.len()];
        self.for_each_index(|plain_index, packed_index| plain[plain_index] = packed[packed_index]);
        plain
    }

    fn for_each_index(&self, mut f: impl FnMut(usize, usize)) {
        let positions = self.positions() as usize;
        for c in 0..self.channels as usize {
            for p in 0..positions {
                let plain = c * positions + p;
                match self.layout {
                    Layout::Planar => f(plain, plain),
                    Layout::Blocked => f(plain, (c / 4 * positions + p) * 4 + c % 4),
                }
            }
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// Numbers in GPU memory. Clones share the memory, which is freed with the last of them.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub(super) buffer: wgpu::Buffer,
    pub(super) shape: Shape,
    /// Vectors behind the end that a binding covers too: see `gpu/guard.rs`.
    pub(super) guard: u64,
    pub(super) label: Arc<str>,
    pub(super) _entry: Arc<Entry>,
}

impl Tensor {
    /// Extent and layout.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Its label, for messages.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// A view of the same memory with another shape: in a memory plan several nodes share a buffer. Panics in debug builds if
    /// `shape` needs more than the buffer has.
    pub(crate) fn viewed_as(&self, shape: Shape) -> Tensor {
        debug_assert!(shape.bytes() <= self.buffer.size());
        Tensor { shape, ..self.clone() }
    }

    /// The part of the buffer that the shape covers. A view can be smaller than its buffer, and bounds checks and
    /// `arrayLength` must use the size of the view.
    pub(super) fn binding(&self) -> wgpu::BindingResource<'_> {
        wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: &self.buffer,
            offset: 0,
            size: std::num::NonZeroU64::new(
                self.shape.bytes().max(16) + self.guard * self.shape.precision.vector_bytes(),
            ),
        })
    }

    /// True if both share one buffer.
    pub fn shares_memory_with(&self, other: &Tensor) -> bool {
        self.buffer == other.buffer
    }
}

/// Size of a texture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextureSize {
    /// Number of vectors of four numbers, one a texel.
    pub vectors: u64,
    /// Storage precision.
    pub precision: Precision,
}

impl TextureSize {
    /// Rows of texels.
    pub(super) fn rows(&self) -> u64 {
        self.vectors.div_ceil(u64::from(Texture::ROW)).max(1)
    }

    /// Size in bytes, with the unused end of the last row.
    pub fn bytes(&self) -> u64 {
        self.rows() * u64::from(Texture::ROW) * self.precision.vector_bytes()
    }
}

/// The numbers of a tensor as the texels of a storage texture, four to one, for kernels that load faster from
/// those than from buffers (see `shaders/conv/texture.wgsl`). The `vec4` of index i is texel (i % 4096, i / 4096).
#[derive(Debug, Clone)]
pub struct Texture {
    pub(super) texture: wgpu::Texture,
    pub(super) view: wgpu::TextureView,
    pub(super) precision: Precision,
    pub(super) _entry: Arc<Entry>,
}

impl Texture {
    /// Texels in a row. Kernels state the same number by a shift of 12 and a mask of 4095.
    pub(super) const ROW: u32 = 4096;

    /// Numbers in a row.
    pub(super) const ROW_NUMBERS: usize = Self::ROW as usize * 4;

    /// Storage precision of its numbers.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The same memory for numbers of another precision of the same size.
    pub(crate) fn holding(&self, precision: Precision) -> Texture {
        debug_assert_eq!(self.precision.vector_bytes(), precision.vector_bytes());
        Texture { precision, ..self.clone() }
    }

    /// Size in bytes, with the unused end of the last row.
    pub fn bytes(&self) -> u64 {
        u64::from(self.texture.width()) * u64::from(self.texture.height()) * self.precision.vector_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_layout_puts_four_channels_together() {
        let shape = Shape::blocked(5, 1, 2);
        let packed = shape.pack(&(1..=10).map(|v| v as f32).collect::<Vec<_>>());
        let expected = [1., 3., 5., 7., 2., 4., 6., 8., 9., 0., 0., 0., 10., 0., 0., 0.];
        assert_eq!(packed, expected);
        assert_eq!(shape.unpack(&packed), (1..=10).map(|v| v as f32).collect::<Vec<_>>());
    }

    #[test]
    fn planar_layout_only_pads_the_end() {
        let shape = Shape::planar(3, 1, 3);
        assert_eq!(shape.bytes(), 48);
        let plain: Vec<f32> = (0..9).map(|v| v as f32).collect();
        assert_eq!(shape.pack(&plain)[..9], plain[..]);
        assert_eq!(shape.pack(&plain)[9..], [0.0; 3]);
    }
}

//! Scratch memory: buffers, and the textures that some kernels of CPU drivers read.
//!
//! Operations say with a [`ScratchSize`] what they need. All operations of a program share one [`ScratchMemory`], since
//! one runs at a time; each gets a [`Scratch`] of it in the shapes that it asked for.

use super::{Gpu, Precision, Shape, Tensor, Texture, TextureSize, Use};
use crate::error::Result;

/// The scratch memory that an operation needs while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScratchSize {
    /// Shapes of buffers.
    pub buffers: Vec<Shape>,
    /// Textures.
    pub textures: Vec<TextureSize>,
}

impl ScratchSize {
    /// Enlarges each entry to that of `other`.
    pub fn enlarge(&mut self, other: &Self) {
        for (i, shape) in other.buffers.iter().copied().enumerate() {
            match self.buffers.get_mut(i) {
                Some(largest) if largest.bytes() >= shape.bytes() => {}
                Some(largest) => *largest = shape,
                None => self.buffers.push(shape),
            }
        }
        let among: Vec<_> = self.textures.iter().map(|texture| texture.precision).collect();
        for (place, texture) in other.matching(&among).into_iter().zip(&other.textures) {
            match place {
                Some(i) => self.textures[i].vectors = self.textures[i].vectors.max(texture.vectors),
                None => self.textures.push(*texture),
            }
        }
    }

    /// Bytes of the memory, with the unused ends of textures.
    pub fn bytes(&self) -> u64 {
        let buffers = self.buffers.iter().map(Shape::bytes).sum::<u64>();
        buffers + self.textures.iter().map(TextureSize::bytes).sum::<u64>()
    }

    /// Whether each buffer and texture is within the limits of the device.
    pub fn fits(&self, gpu: &Gpu) -> bool {
        self.buffers.iter().all(|shape| shape.bytes() <= gpu.max_tensor_bytes())
            && self.textures.iter().all(|texture| gpu.takes_texture(*texture))
    }

    /// For each texture, the index of one in `among` whose elements have the same size, no index twice.
    fn matching(&self, among: &[Precision]) -> Vec<Option<usize>> {
        let mut taken = vec![false; among.len()];
        let matching = self.textures.iter().map(|size| {
            let found = (0..among.len())
                .find(|i| !taken[*i] && among[*i].vector_bytes() == size.precision.vector_bytes());
            found.iter().for_each(|i| taken[*i] = true);
            found
        });
        matching.collect()
    }
}

/// Scratch memory on a device.
#[derive(Debug)]
pub struct ScratchMemory {
    buffers: Vec<Tensor>,
    textures: Vec<Texture>,
}

impl ScratchMemory {
    /// Allocates memory of this size.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) or [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn new(gpu: &Gpu, size: &ScratchSize) -> Result<Self> {
        let buffer = |shape: &Shape| gpu.tensor(*shape, Use::Scratch, "scratch");
        let texture = |size: &TextureSize| gpu.texture(*size, Use::Scratch, "scratch");
        Ok(Self {
            buffers: size.buffers.iter().map(buffer).collect::<Result<_>>()?,
            textures: size.textures.iter().map(texture).collect::<Result<_>>()?,
        })
    }

    /// The memory in the shapes that an operation needs, none of which may exceed it.
    pub fn view(&self, size: &ScratchSize) -> Scratch {
        let buffers = self.buffers.iter().zip(&size.buffers);
        let precisions: Vec<_> = self.textures.iter().map(Texture::precision).collect();
        let textures = size.matching(&precisions).into_iter().zip(&size.textures);
        Scratch {
            buffers: buffers.map(|(tensor, shape)| tensor.viewed_as(*shape)).collect(),
            textures: textures
                .filter_map(|(i, size)| Some(self.textures[i?].holding(size.precision)))
                .collect(),
        }
    }
}

/// Scratch memory of one operation.
#[derive(Debug, Default)]
pub struct Scratch {
    /// One for each entry of [`ScratchSize::buffers`], with its shape.
    pub buffers: Vec<Tensor>,
    /// One for each entry of [`ScratchSize::textures`].
    pub textures: Vec<Texture>,
}

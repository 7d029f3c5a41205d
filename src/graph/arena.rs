//! The buffers of programs. Programs that never run at the same time can share an arena.

use super::{MemoryPlan, ScratchSize, Slot};
use crate::error::Result;
use crate::gpu::{Gpu, MemoryUse, Shape, Tensor, Texture, TextureSize, Use};

/// Buffers for the slots of plans, the largest first, and scratch.
#[derive(Debug)]
pub struct Arena {
    pub(super) slots: Vec<Tensor>,
    pub(super) buffers: Vec<Tensor>,
    pub(super) textures: Vec<Texture>,
}

/// Sizes of the buffers of an [`Arena`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArenaSize {
    slots: Vec<Slot>,
    scratch: ScratchSize,
}

impl ArenaSize {
    /// The smallest arena that holds each of these plans, one at a time: its k-th buffer is as large as the k-th
    /// largest slot of any plan.
    pub fn of<'a>(plans: impl IntoIterator<Item = &'a MemoryPlan>) -> Self {
        let mut size = Self::default();
        for plan in plans {
            for (k, slot) in plan.by_size().into_iter().map(|slot| plan.slots[slot]).enumerate() {
                match size.slots.get_mut(k) {
                    Some(largest) => {
                        largest.bytes = largest.bytes.max(slot.bytes);
                        largest.what = largest.what.min(slot.what);
                    }
                    None => size.slots.push(slot),
                }
            }
            size.scratch.enlarge(&plan.scratch);
        }
        size
    }

    /// Bytes that the arena takes, by use, with the unused ends of textures.
    pub fn memory(&self) -> MemoryUse {
        let slots = self.slots.iter().fold(MemoryUse::default(), |sum, slot| sum.with(slot.what, slot.bytes));
        let buffers = self.scratch.buffers.iter().map(Shape::bytes).sum::<u64>();
        let textures = self.scratch.textures.iter().map(TextureSize::bytes).sum::<u64>();
        slots.with(Use::Scratch, buffers + textures)
    }

    /// Whether each buffer and texture is within the limits of the device.
    pub fn fits(&self, gpu: &Gpu) -> bool {
        let slots = self.slots.iter().map(|slot| slot.bytes);
        let mut buffers = slots.chain(self.scratch.buffers.iter().map(Shape::bytes));
        buffers.all(|bytes| bytes <= gpu.max_tensor_bytes())
            && self.scratch.textures.iter().all(|texture| gpu.takes_texture(*texture))
    }
}

impl Arena {
    /// Allocates the buffers.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) or [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn new(gpu: &Gpu, size: &ArenaSize) -> Result<Self> {
        let slot = |(k, slot): (usize, &Slot)| {
            let vectors = u32::try_from(slot.bytes.div_ceil(16)).unwrap_or(u32::MAX);
            gpu.tensor(Shape::blocked(1, 1, vectors), slot.what, &format!("{} slot {k}", slot.what))
        };
        let scratch = |shape: &Shape| gpu.tensor(*shape, Use::Scratch, "scratch");
        let texture = |size: &TextureSize| gpu.texture(*size, Use::Scratch, "scratch");
        Ok(Self {
            slots: size.slots.iter().enumerate().map(slot).collect::<Result<_>>()?,
            buffers: size.scratch.buffers.iter().map(scratch).collect::<Result<_>>()?,
            textures: size.scratch.textures.iter().map(texture).collect::<Result<_>>()?,
        })
    }
}

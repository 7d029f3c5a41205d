//! The memory that programs work in. Programs that never run at the same time may share one.

use super::ScratchSize;
use super::plan::{MemoryPlan, Slot};
use crate::error::Result;
use crate::gpu::{Gpu, MemoryUse, Shape, Tensor, Texture, TextureSize, Use};

/// Buffers for the slots of some plans, largest first, and scratch.
#[derive(Debug)]
pub struct Arena {
    pub(super) slots: Vec<Tensor>,
    pub(super) buffers: Vec<Tensor>,
    pub(super) textures: Vec<Texture>,
}

/// How large an [`Arena`] is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArenaSize {
    slots: Vec<Slot>,
    scratch: ScratchSize,
}

impl ArenaSize {
    /// Room for each of these plans, one at a time: the k-th largest slot of any plan fits the k-th buffer.
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

    /// Bytes that are allocated, by use: a texture's last row is whole.
    pub fn memory(&self) -> MemoryUse {
        let slots = self.slots.iter().fold(MemoryUse::default(), |sum, slot| sum.with(slot.what, slot.bytes));
        let buffers = self.scratch.buffers.iter().map(Shape::bytes).sum::<u64>();
        let textures = self.scratch.textures.iter().map(TextureSize::bytes).sum::<u64>();
        slots.with(Use::Scratch, buffers + textures)
    }

    /// Whether a device takes each buffer and texture.
    pub fn fits(&self, gpu: &Gpu) -> bool {
        let slots = self.slots.iter().map(|slot| slot.bytes);
        let mut buffers = slots.chain(self.scratch.buffers.iter().map(Shape::bytes));
        buffers.all(|bytes| bytes <= gpu.max_tensor_bytes())
            && self.scratch.textures.iter().all(|texture| gpu.takes_texture(*texture))
    }
}

impl Arena {
    /// Allocates.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) or [`Error::Gpu`](crate::Error::Gpu) if memory cannot be had.
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

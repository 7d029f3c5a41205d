//! The buffers of programs. Programs that never run at the same time can share an arena.

use super::{MemoryPlan, Slot};
use crate::error::Result;
use crate::gpu::{Gpu, MemoryUse, ScratchMemory, ScratchSize, Shape, Tensor, Use};

/// Buffers for the slots of plans, the largest first, and scratch memory.
#[derive(Debug)]
pub struct Arena {
    pub(super) slots: Vec<Tensor>,
    pub(super) scratch: ScratchMemory,
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
        slots.with(Use::Scratch, self.scratch.bytes())
    }

    /// Whether each buffer and texture is within the limits of the device.
    pub fn fits(&self, gpu: &Gpu) -> bool {
        self.slots.iter().all(|slot| slot.bytes <= gpu.max_tensor_bytes()) && self.scratch.fits(gpu)
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
        Ok(Self {
            slots: size.slots.iter().enumerate().map(slot).collect::<Result<_>>()?,
            scratch: ScratchMemory::new(gpu, &size.scratch)?,
        })
    }
}

//! Read-back of tensors, with and without waiting.

use std::collections::VecDeque;

use super::wait::Pending;
use super::{Gpu, Recording, Tensor};
use crate::error::{Error, Result};

/// A ring of staging buffers, through which small tensors are read back some submissions later, without a wait for the
/// latest.
///
/// [`submit`](Self::submit) submits steps; [`receive`](Self::receive) returns their tensors, in the same order. The ring also
/// keeps the CPU from running ahead: with every buffer in flight, `submit` waits for the oldest.
#[derive(Debug)]
pub struct Readback {
    gpu: Gpu,
    slots: Vec<Slot>,
    /// Slots in flight, oldest first.
    in_flight: VecDeque<(usize, Mapping)>,
    finished: VecDeque<Vec<f32>>,
}

/// A buffer on its way into the host's memory.
type Mapping = Pending<std::result::Result<(), wgpu::BufferAsyncError>>;

#[derive(Debug)]
struct Slot {
    buffer: wgpu::Buffer,
    copies: Recording,
}

impl Readback {
    /// A ring of `depth` buffers for these tensors, which are returned one after another in the order of memory, with
    /// padding.
    ///
    /// # Errors
    /// [`Error::Gpu`] when memory runs out.
    pub fn new(gpu: &Gpu, tensors: &[&Tensor], depth: usize) -> Result<Self> {
        let slots = (0..depth).map(|_| Slot::new(gpu, tensors)).collect::<Result<_>>()?;
        Ok(Self { gpu: gpu.clone(), slots, in_flight: VecDeque::new(), finished: VecDeque::new() })
    }

    /// Submits `step` followed by the copies into a free staging buffer. Waits only when all
    /// buffers are in flight.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn submit(&mut self, step: &[&Recording]) -> Result<()> {
        if self.in_flight.len() == self.slots.len() {
            self.collect_oldest()?;
        }
        let busy: Vec<usize> = self.in_flight.iter().map(|(slot, _)| *slot).collect();
        let free = (0..self.slots.len()).find(|slot| !busy.contains(slot)).unwrap_or(0);
        let slot = &self.slots[free];
        let mut all = step.to_vec();
        all.push(&slot.copies);
        self.gpu.submit(&all)?;
        self.in_flight.push_back((free, map(&slot.buffer)));
        Ok(())
    }

    /// Waits for the next step in flight; `None` when none is left.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn receive(&mut self) -> Result<Option<Vec<f32>>> {
        if self.finished.is_empty() && !self.in_flight.is_empty() {
            self.collect_oldest()?;
        }
        Ok(self.finished.pop_front())
    }

    fn collect_oldest(&mut self) -> Result<()> {
        let Some((slot, mapping)) = self.in_flight.pop_front() else { return Ok(()) };
        let values = mapped(&self.gpu, &self.slots[slot].buffer, mapping)?;
        self.finished.push_back(values);
        Ok(())
    }
}

impl Slot {
    fn new(gpu: &Gpu, tensors: &[&Tensor]) -> Result<Self> {
        let bytes: u64 = tensors.iter().map(|tensor| tensor.shape.bytes()).sum();
        let buffer = staging(gpu, bytes)?;
        let mut copies = Recording::new(gpu);
        let mut offset = 0;
        for tensor in tensors {
            copies.copy_to(tensor, &buffer, offset);
            offset += tensor.shape.bytes();
        }
        Ok(Self { buffer, copies })
    }
}

/// Why a staging buffer could not be mapped. A browser tells of the mapping before it tells that the device is lost.
fn lost(gpu: &Gpu) -> Error {
    let unnamed = || Error::DeviceLost { message: "it no longer answers".into() };
    gpu.check().err().unwrap_or_else(unnamed)
}

fn staging(gpu: &Gpu, bytes: u64) -> Result<wgpu::Buffer> {
    gpu.scoped("a staging buffer", |device| {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("staging"),
            size: bytes,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    })
}

/// Tensors in the order of memory, after everything submitted so far, with one wait for all of them.
pub(super) fn read_now(gpu: &Gpu, tensors: &[&Tensor]) -> Result<Vec<Vec<f32>>> {
    let mut readback = Readback::new(gpu, tensors, 1)?;
    readback.submit(&[])?;
    let words = readback.receive()?.ok_or_else(|| lost(gpu))?;
    let mut bytes: &[u8] = bytemuck::cast_slice(&words);
    let decode = |tensor: &&Tensor| {
        let (own, rest) = bytes.split_at(tensor.shape.bytes() as usize);
        bytes = rest;
        tensor.shape.precision.decode(own)
    };
    Ok(tensors.iter().map(decode).collect())
}

/// A part of a tensor's buffer, whatever it holds, after everything submitted so far.
pub(super) fn read_bytes(gpu: &Gpu, tensor: &Tensor, offset: u64, length: u64) -> Result<Vec<u8>> {
    let buffer = staging(gpu, length)?;
    gpu.submit_encoded(|encoder| encoder.copy_buffer_to_buffer(&tensor.buffer, offset, &buffer, 0, length))?;
    read_staging(gpu, &buffer)
}

/// Everything in a staging buffer, after everything submitted so far.
pub(super) fn read_staging<T: bytemuck::Pod>(gpu: &Gpu, buffer: &wgpu::Buffer) -> Result<Vec<T>> {
    let mapping = map(buffer);
    gpu.wait()?;
    mapped(gpu, buffer, mapping)
}

fn map(buffer: &wgpu::Buffer) -> Mapping {
    Pending::of(|callback| buffer.map_async(wgpu::MapMode::Read, .., move |done| callback.call(done)))
}

/// Waits for a buffer to be mapped, and gives its contents. It is unmapped then.
fn mapped<T: bytemuck::Pod>(gpu: &Gpu, buffer: &wgpu::Buffer, mapping: Mapping) -> Result<Vec<T>> {
    let Some(Ok(())) = mapping.wait(gpu)? else { return Err(lost(gpu)) };
    let values = {
        let view = buffer.get_mapped_range(..).map_err(|e| Error::gpu("a read-back", e.to_string()))?;
        bytemuck::pod_collect_to_vec(&view)
    };
    buffer.unmap();
    Ok(values)
}

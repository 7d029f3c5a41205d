//! Memory of an open device: tensors and textures are allocated, written and read.

use std::sync::Arc;

use super::Gpu;
use super::memory::Use;
use super::readback;
use super::tensor::{Precision, Shape, Tensor, Texture, TextureSize};
use crate::error::{Error, Remedy, Result, Setting};

impl Gpu {
    /// A tensor whose contents are undefined until a kernel or an upload fills it.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond the adapter's limits, [`Error::Gpu`] when memory runs out.
    pub fn tensor(&self, shape: Shape, what: Use, label: &str) -> Result<Tensor> {
        let bytes = shape.bytes();
        if bytes > self.max_tensor_bytes() {
            return Err(Error::too_large(format!(
                "{label} ({shape}) needs {}, but {} takes at most {} in one buffer",
                super::mebibytes(bytes),
                self.adapter().name,
                super::mebibytes(self.max_tensor_bytes())
            ))
            .with_remedies([Remedy::Lower(Setting::Size)]));
        }
        if self.refuses(bytes) {
            return Err(Error::OutOfMemory { what: label.into() });
        }
        let size = bytes.max(16) + self.guard() * 16;
        let buffer = self.scoped(label, |device| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size,
                usage: wgpu::BufferUsages::STORAGE
                    | wgpu::BufferUsages::COPY_SRC
                    | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        })?;
        if self.checks_everything() {
            let poison = self.poison();
            let mut filling = vec![poison.guards; size as usize];
            filling[..bytes as usize].fill(poison.contents);
            self.queue().write_buffer(&buffer, 0, &filling);
        }
        let entry = Arc::new(self.ledger().enter(what, bytes));
        Ok(Tensor { buffer, shape, guard: self.guard(), label: label.into(), _entry: entry })
    }

    /// Whether a texture of this size is within the adapter's limits.
    pub fn takes_texture(&self, size: TextureSize) -> bool {
        let most = self.limits().max_texture_dimension_2d;
        size.rows() <= u64::from(most) && Texture::ROW <= most
    }

    /// A texture of this size, contents undefined.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn texture(&self, size: TextureSize, what: Use, label: &str) -> Result<Texture> {
        let (rows, most) = (size.rows(), self.limits().max_texture_dimension_2d);
        if !self.takes_texture(size) {
            return Err(Error::too_large(format!(
                "{label} needs a texture of {} x {rows}, but {} takes at most {most}",
                Texture::ROW,
                self.adapter().name
            ))
            .with_remedies([Remedy::Lower(Setting::Size)]));
        }
        let texture = self.scoped(label, |device| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: Some(label),
                size: wgpu::Extent3d { width: Texture::ROW, height: rows as u32, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: size.precision.texture_format(),
                usage: wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            })
        })?;
        let view = texture.create_view(&Default::default());
        let entry = Arc::new(self.ledger().enter(what, size.bytes()));
        Ok(Texture { texture, view, precision: size.precision, _entry: entry })
    }

    /// A texture of this precision filled with packed numbers, four to a texel.
    ///
    /// # Errors
    /// As [`texture`](Self::texture).
    pub fn upload_texture(
        &self,
        packed: &[f32],
        precision: Precision,
        what: Use,
        label: &str,
    ) -> Result<Texture> {
        let vectors = (packed.len() as u64).div_ceil(4);
        let texture = self.texture(TextureSize { vectors, precision }, what, label)?;
        // All complete rows, then the last, incomplete row.
        let (whole, rest) = packed.split_at(packed.len() / Texture::ROW_NUMBERS * Texture::ROW_NUMBERS);
        let rows = (whole.len() / Texture::ROW_NUMBERS) as u32;
        for (numbers, first, width, height) in
            [(whole, 0, Texture::ROW, rows), (rest, rows, rest.len().div_ceil(4) as u32, 1)]
        {
            if numbers.is_empty() {
                continue;
            }
            let layout = wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(width * precision.vector_bytes() as u32),
                rows_per_image: None,
            };
            let mut target = texture.texture.as_image_copy();
            target.origin.y = first;
            let size = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
            self.queue().write_texture(target, &precision.encode(numbers), layout, size);
        }
        Ok(texture)
    }

    /// A tensor filled with `values`, given in `[channels][height][width]` order.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor).
    pub fn upload(&self, shape: Shape, values: &[f32], what: Use, label: &str) -> Result<Tensor> {
        let tensor = self.tensor(shape, what, label)?;
        self.write(&tensor, values);
        Ok(tensor)
    }

    /// Overwrites a tensor with `values`, given in `[channels][height][width]` order.
    pub fn write(&self, tensor: &Tensor, values: &[f32]) {
        let packed = tensor.shape.pack(values);
        self.queue().write_buffer(&tensor.buffer, 0, &tensor.shape.precision.encode(&packed));
    }

    /// The numbers of a tensor in `[channels][height][width]` order. Waits for the device.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn read(&self, tensor: &Tensor) -> Result<Vec<f32>> {
        Ok(tensor.shape.unpack(&self.read_padded(tensor)?))
    }

    /// The numbers of several tensors, each as [`read`](Self::read) returns them. Waits once.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn read_all(&self, tensors: &[&Tensor]) -> Result<Vec<Vec<f32>>> {
        if tensors.is_empty() {
            return Ok(vec![]);
        }
        let packed = readback::read_now(self, tensors)?;
        Ok(tensors.iter().zip(packed).map(|(tensor, packed)| tensor.shape.unpack(&packed)).collect())
    }

    /// The numbers of a tensor in the order of the buffer, with padding. Waits for the device.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn read_padded(&self, tensor: &Tensor) -> Result<Vec<f32>> {
        Ok(readback::read_now(self, &[tensor])?.swap_remove(0))
    }
}

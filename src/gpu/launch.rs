//! The builder of a dispatch: tensors and parameters are given by their names in the WGSL, and checked against it.

use std::collections::HashMap;
use std::sync::Arc;

use super::kernel::Pipeline;
use super::recording::{Command, Dispatch, Recording, Work};
use super::reflect::Parameter;
use super::storage_precision::Storage;
use super::{Kernel, Precision, Tensor, Texture};
use crate::error::{Error, Result};

/// Builder of a dispatch: bind tensors and set parameters by name, then give its size with [`elements`](Self::elements) or
/// [`groups`](Self::groups).
#[derive(Debug)]
pub struct Launch<'a> {
    recording: &'a mut Recording,
    kernel: Arc<Kernel>,
    label: &'a str,
    resources: Vec<(&'a str, Resource<'a>)>,
    values: HashMap<&'a str, Value>,
    flops: (f64, f64),
    bytes: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
enum Resource<'a> {
    Buffer(&'a Tensor),
    Texture(&'a Texture),
}

/// A kernel parameter.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    /// For `u32` members.
    Unsigned(u32),
    /// For `f32` members.
    Float(f32),
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Unsigned(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::Float(value)
    }
}

impl<'a> Launch<'a> {
    pub(super) fn new(recording: &'a mut Recording, kernel: &Arc<Kernel>, label: &'a str) -> Self {
        Self {
            recording,
            kernel: kernel.clone(),
            label,
            resources: vec![],
            values: HashMap::new(),
            flops: (0.0, 0.0),
            bytes: None,
        }
    }

    /// Binds a tensor to the storage variable of this name.
    pub fn bind(mut self, name: &'a str, tensor: &'a Tensor) -> Self {
        self.resources.push((name, Resource::Buffer(tensor)));
        self
    }

    /// Binds a texture to the texture variable of this name.
    pub fn bind_texture(mut self, name: &'a str, texture: &'a Texture) -> Self {
        self.resources.push((name, Resource::Texture(texture)));
        self
    }

    /// Sets a member of the uniform struct.
    pub fn set(mut self, name: &'a str, value: impl Into<Value>) -> Self {
        self.values.insert(name, value.into());
        self
    }

    /// Sets the number of floating-point operations, and of those that the definition needs; see [`Work`].
    pub fn flops(mut self, done: f64, direct: f64) -> Self {
        self.flops = (done, direct);
        self
    }

    /// Sets the number of floating-point operations to `each` for each of `numbers`; the definition needs as many.
    pub fn flops_each(self, operations: u32, numbers: usize) -> Self {
        let flops = f64::from(operations) * numbers as f64;
        self.flops(flops, flops)
    }

    /// Sets the least number of bytes moved, where that is not each bound tensor once.
    pub fn bytes(mut self, bytes: f64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// One invocation for each of `n` elements: a 1-D range laid over a 2-D grid, because a grid
    /// takes at most 65535 workgroups in one direction. The kernel finds its element by
    /// `linear_index` of `shared/grid`.
    ///
    /// # Errors
    /// As [`groups`](Self::groups).
    pub fn elements(self, n: u64) -> Result<()> {
        let size: u64 = self.kernel.workgroup_size().iter().map(|&s| u64::from(s)).product();
        let groups = n.div_ceil(size).max(1);
        let most = u64::from(self.recording.gpu.limits().max_compute_workgroups_per_dimension);
        let rows = groups.div_ceil(most);
        let grid = [groups.div_ceil(rows), rows, 1].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        self.groups(grid)
    }

    /// One invocation for each point of a box.
    ///
    /// # Errors
    /// As [`groups`](Self::groups).
    pub fn invocations(self, extent: [u32; 3]) -> Result<()> {
        let size = self.kernel.workgroup_size();
        self.groups([0, 1, 2].map(|axis| extent[axis].div_ceil(size[axis]).max(1)))
    }

    /// Records the dispatch with this number of workgroups.
    ///
    /// # Errors
    /// [`Error::Gpu`] if a binding or parameter is missing, unknown or of the wrong kind, or the
    /// grid is larger than the device allows.
    pub fn groups(self, groups: [u32; 3]) -> Result<()> {
        let what = format!("{} of {}", self.kernel.name(), self.label);
        let most = self.recording.gpu.limits().max_compute_workgroups_per_dimension;
        if let Some(side) = groups.iter().find(|&&side| side > most) {
            return Err(Error::gpu(what, format!("{side} workgroups in one direction; at most {most}")));
        }
        let uniform = self.uniform_buffer(&what)?;
        let pipeline = self.kernel.pipeline(&self.recording.gpu, &self.storage())?;
        let bind_group = self.bind_group(&what, uniform.as_ref(), &pipeline)?;
        let (flops, direct_flops) = self.flops;
        let bytes = self.bytes.unwrap_or_else(|| self.bound_bytes());
        let work = Work { flops, direct_flops, bytes };
        let label = self.label.to_string();
        let dispatch = Dispatch { kernel: self.kernel, pipeline, bind_group, groups, label, work };
        self.recording.commands.push(Command::Dispatch(dispatch));
        Ok(())
    }

    /// Each bound tensor once. A scratch texture counts as the data last copied into it: its size is that of the largest
    /// layer.
    fn bound_bytes(&self) -> f64 {
        let filled = |texture: &Texture| {
            self.recording.commands.iter().rev().find_map(|command| match command {
                Command::Upload { to, vectors, .. } if to.texture == texture.texture => {
                    Some(vectors * to.precision.vector_bytes())
                }
                _ => None,
            })
        };
        let size = |resource: &Resource| match resource {
            Resource::Buffer(tensor) => tensor.shape.bytes(),
            Resource::Texture(texture) => filled(texture).unwrap_or_else(|| texture.bytes()),
        };
        self.resources.iter().map(|(_, resource)| size(resource) as f64).sum()
    }

    /// The bindings whose storage precision is not f32.
    fn storage(&self) -> Storage {
        let precision = |resource: &Resource| match resource {
            Resource::Buffer(tensor) => tensor.shape.precision,
            Resource::Texture(texture) => texture.precision,
        };
        let all = self.resources.iter().map(|(name, resource)| (name.to_string(), precision(resource)));
        all.filter(|(_, precision)| *precision != Precision::F32).collect()
    }

    fn bind_group(
        &self,
        what: &str,
        uniform: Option<&(u32, wgpu::Buffer)>,
        pipeline: &Pipeline,
    ) -> Result<wgpu::BindGroup> {
        let bindings = &self.kernel.interface.bindings;
        let given = &self.resources;
        if let Some((name, _)) = given.iter().find(|(name, _)| bindings.iter().all(|b| b.name != *name)) {
            return Err(Error::gpu(what, format!("the kernel has no binding '{name}'")));
        }
        let mut entries = vec![];
        for binding in bindings {
            let found = given.iter().find(|(name, _)| *name == binding.name).map(|(_, resource)| *resource);
            let resource = match found {
                Some(Resource::Buffer(tensor)) if !binding.is_texture => tensor.binding(),
                Some(Resource::Texture(texture)) if binding.is_texture => {
                    wgpu::BindingResource::TextureView(&texture.view)
                }
                Some(_) => return Err(Error::gpu(what, format!("'{}' is of the other kind", binding.name))),
                None => return Err(Error::gpu(what, format!("binding '{}' was not given", binding.name))),
            };
            entries.push(wgpu::BindGroupEntry { binding: binding.slot, resource });
        }
        if let Some((slot, buffer)) = uniform {
            entries.push(wgpu::BindGroupEntry { binding: *slot, resource: buffer.as_entire_binding() });
        }
        let layout = &pipeline.bind_group_layout;
        self.recording.gpu.scoped(what, |device| {
            let label = Some(self.label);
            device.create_bind_group(&wgpu::BindGroupDescriptor { label, layout, entries: &entries })
        })
    }

    /// The bytes of the uniform struct, each value at its offset in the WGSL.
    fn uniform_buffer(&self, what: &str) -> Result<Option<(u32, wgpu::Buffer)>> {
        let Some((slot, members, size)) = &self.kernel.interface.parameters else {
            let extra = self.values.keys().next();
            return extra.map_or(Ok(None), |name| {
                Err(Error::gpu(what, format!("the kernel has no parameter '{name}'")))
            });
        };
        if let Some(name) = self.values.keys().find(|name| members.iter().all(|m| m.name != **name)) {
            return Err(Error::gpu(what, format!("the kernel has no parameter '{name}'")));
        }
        let mut bytes = vec![0u8; *size];
        for Parameter { name, offset, kind } in members {
            let bits = match (self.values.get(name.as_str()), kind) {
                (Some(Value::Unsigned(value)), naga::ScalarKind::Uint) => *value,
                (Some(Value::Float(value)), naga::ScalarKind::Float) => value.to_bits(),
                (Some(_), _) => return Err(Error::gpu(what, format!("parameter '{name}' is no {kind:?}"))),
                (None, _) => return Err(Error::gpu(what, format!("parameter '{name}' was not given"))),
            };
            bytes[*offset..offset + 4].copy_from_slice(&bits.to_le_bytes());
        }
        let gpu = &self.recording.gpu;
        let buffer = gpu.scoped(what, |device| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(self.label),
                size: bytes.len() as u64,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        })?;
        gpu.queue().write_buffer(&buffer, 0, &bytes);
        Ok(Some((*slot, buffer)))
    }
}

//! Kernels: WGSL files compiled into pipelines, for given override constants.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use super::emulate::emulate_matrices;
use super::guard::hide_guards;
use super::kept_pipelines::KeptPipelines;
use super::lock::lock;
use super::reflect::Interface;
use super::source::{expand_imports, find_error};
use super::stand_in::constants;
use super::storage_precision::{Storage, store_as, store_as_pairs};
use super::{Gpu, Precision};
use crate::error::{Error, Result};

/// A WGSL file of `shaders/`, compiled into the program.
#[derive(Clone, Copy)]
pub struct Shader {
    /// Path under `shaders/` without `.wgsl`, for example `conv/1_naive`.
    pub name: &'static str,
    /// The text of the file, imports not expanded.
    pub source: &'static str,
    /// True for kernels that are compiled without the driver's bounds checks. Only for kernels where a difference was
    /// measured, and whose tests pass with checks, at sizes that are no multiple of a tile.
    pub unchecked: bool,
}

/// `shader!("conv/1_naive")`: the file of that name as a [`Shader`].
macro_rules! shader {
    ($name:literal) => {
        $crate::gpu::Shader {
            name: $name,
            source: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $name, ".wgsl")),
            unchecked: false,
        }
    };
}
pub(crate) use shader;

impl fmt::Debug for Shader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shader").field(&self.name).finish()
    }
}

impl Shader {
    /// The same shader without bounds checks; see [`unchecked`](Self::unchecked).
    pub(crate) const fn without_checks(self) -> Self {
        Self { unchecked: true, ..self }
    }

    /// The value of a `const` of type u32.
    pub(super) fn constant(&self, name: &str) -> Option<u32> {
        let module = naga::front::wgsl::parse_str(&expand_imports(self.source).ok()?).ok()?;
        constants(&module).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The limit that a kernel exceeds on a device, in words to follow "needs"; `None` if it exceeds none. From the WGSL
    /// alone.
    pub(crate) fn exceeded_limits(&self, gpu: &Gpu) -> Option<String> {
        let source = expand_imports(self.source).ok()?;
        let interface = Interface::of(&source).ok()?;
        let (limits, memory) = (gpu.limits(), interface.workgroup_bytes);
        let invocations: u32 = interface.workgroup_size.iter().product();
        if invocations > limits.max_compute_invocations_per_workgroup
            || memory > limits.max_compute_workgroup_storage_size
        {
            return Some(format!("workgroups of {invocations} with {memory} bytes of their own memory"));
        }
        let textures = interface.bindings.iter().filter(|binding| binding.is_texture).count();
        (textures > limits.max_storage_textures_per_shader_stage as usize)
            .then(|| format!("{textures} storage textures a kernel"))
    }
}

/// A WGSL file with its override constants and its interface. It is compiled before it first runs, once for each
/// combination of storage precisions of its bindings.
#[derive(Debug)]
pub struct Kernel {
    shader: Shader,
    overrides: Vec<(String, f64)>,
    /// Imports resolved, all bindings in f32.
    text: Cow<'static, str>,
    pub(super) interface: Interface,
    pipelines: Mutex<HashMap<Storage, Arc<Pipeline>>>,
}

/// The WGSL of a kernel for given storage precisions of its bindings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelForm {
    /// Path under `shaders/` without `.wgsl`.
    pub kernel: &'static str,
    /// Storage precision of each binding, in the order of the binding numbers.
    pub storage: Vec<(String, Precision)>,
    /// The text that is compiled, imports resolved.
    pub wgsl: String,
}

/// A kernel for given storage precisions. Its layout, all that a recording needs, is known at once. It is compiled later,
/// together with others: a driver takes up to a second for one, and compiles as many at a time as there are processors.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) storage: Storage,
    pub(super) bind_group_layout: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    text: String,
    compiled: OnceLock<wgpu::ComputePipeline>,
}

impl Pipeline {
    /// What the device runs; `None` before [`Kernel::compile`].
    pub(super) fn compiled(&self) -> Option<&wgpu::ComputePipeline> {
        self.compiled.get()
    }
}

impl Kernel {
    /// Parses. `overrides` gives values to the module's `override` constants by name; those not named
    /// keep the default written in the WGSL.
    pub(super) fn new(gpu: &Gpu, shader: &Shader, overrides: &[(&str, f64)]) -> Result<Self> {
        let fault = |message: String| Error::gpu(format!("kernel {}", shader.name), message);
        let text = expand_imports(shader.source).map_err(fault)?;
        let interface = Interface::of(&text).map_err(fault)?;
        let text = if gpu.guard() > 0 { hide_guards(&text).map_err(fault)?.into() } else { text };
        let limits = gpu.limits();
        let invocations: u32 = interface.workgroup_size.iter().product();
        if invocations > limits.max_compute_invocations_per_workgroup {
            return Err(fault(format!(
                "needs {invocations} invocations in a workgroup; this adapter has {}",
                limits.max_compute_invocations_per_workgroup
            )));
        }
        let overrides = overrides.iter().map(|(name, value)| (name.to_string(), *value)).collect();
        Ok(Self { shader: *shader, overrides, text, interface, pipelines: Mutex::default() })
    }

    /// The text for these storage precisions, and the precision of each binding.
    pub(super) fn form(&self, storage: &Storage) -> Result<KernelForm> {
        let mut bindings: Vec<_> = self.interface.bindings.iter().collect();
        bindings.sort_by_key(|binding| binding.slot);
        let precision = |name: &String| storage.get(name).copied().unwrap_or_default();
        Ok(KernelForm {
            kernel: self.name(),
            storage: bindings
                .iter()
                .map(|binding| (binding.name.clone(), precision(&binding.name)))
                .collect(),
            wgsl: self.wgsl(storage)?,
        })
    }

    /// The text with all bindings in f32.
    ///
    /// # Errors
    /// None: this text was parsed before.
    pub fn in_f32(&self) -> Result<KernelForm> {
        self.form(&Storage::new())
    }

    /// The text that is compiled for these storage precisions.
    pub(super) fn wgsl(&self, storage: &Storage) -> Result<String> {
        store_as(&self.text, storage).map_err(|message| Error::gpu(self.what(), message))
    }

    /// The pipeline for these storage precisions, not compiled yet.
    pub(super) fn pipeline(&self, gpu: &Gpu, storage: &Storage) -> Result<Arc<Pipeline>> {
        if let Some(pipeline) = lock(&self.pipelines).get(storage) {
            return Ok(pipeline.clone());
        }
        let mut text = self.wgsl(storage)?;
        if gpu.emulates_matrices() {
            text = emulate_matrices(&text).map_err(|message| Error::gpu(self.what(), message))?;
        }
        if gpu.stores_pairs() {
            text = store_as_pairs(&text);
        }
        let entries = self.layout_entries(storage);
        let (bind_group_layout, layout) = gpu.scoped(&self.what(), |device| {
            let label = Some(self.shader.name);
            let descriptor = wgpu::BindGroupLayoutDescriptor { label, entries: &entries };
            let bind_group_layout = device.create_bind_group_layout(&descriptor);
            let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label,
                bind_group_layouts: &[Some(&bind_group_layout)],
                immediate_size: 0,
            });
            (bind_group_layout, layout)
        })?;
        let compiled = OnceLock::new();
        let pipeline =
            Arc::new(Pipeline { storage: storage.clone(), bind_group_layout, layout, text, compiled });
        lock(&self.pipelines).insert(storage.clone(), pipeline.clone());
        Ok(pipeline)
    }

    fn layout_entries(&self, storage: &Storage) -> Vec<wgpu::BindGroupLayoutEntry> {
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty,
            count: None,
        };
        let buffer = |ty| wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
        let texture = |name: &String| wgpu::BindingType::StorageTexture {
            access: wgpu::StorageTextureAccess::ReadOnly,
            format: storage.get(name).copied().unwrap_or_default().texture_format(),
            view_dimension: wgpu::TextureViewDimension::D2,
        };
        let bindings = self.interface.bindings.iter().map(|binding| {
            let read_only = !binding.is_written;
            let ty = match binding.is_texture {
                true => texture(&binding.name),
                false => buffer(wgpu::BufferBindingType::Storage { read_only }),
            };
            entry(binding.slot, ty)
        });
        let uniform = self.interface.parameters.as_ref();
        let uniform = uniform.map(|(slot, ..)| entry(*slot, buffer(wgpu::BufferBindingType::Uniform)));
        bindings.chain(uniform).collect()
    }

    /// Compiles a pipeline of this kernel, unless that is done. The compiler's errors name the line of
    /// [`wgsl`](Self::wgsl).
    pub(super) fn compile(&self, gpu: &Gpu, pipeline: &Pipeline) -> Result<()> {
        if pipeline.compiled().is_some() {
            return Ok(());
        }
        let text = &pipeline.text;
        let compiled = gpu.scoped(&self.what(), |device| {
            let module = self.module(gpu, device, text);
            let constants: Vec<(&str, f64)> =
                self.overrides.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(self.shader.name),
                layout: Some(&pipeline.layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &constants,
                    // Kernels write workgroup memory before they read it.
                    zero_initialize_workgroup_memory: false,
                },
                cache: gpu.kept_pipelines().map(KeptPipelines::for_one_more),
            })
        });
        let compiled = compiled.map_err(|error| match find_error(text) {
            Some(message) => Error::gpu(self.what(), message),
            None => error,
        })?;
        // If another thread was faster, its pipeline is as good.
        let _ = pipeline.compiled.set(compiled);
        Ok(())
    }

    fn module(&self, gpu: &Gpu, device: &wgpu::Device, text: &str) -> wgpu::ShaderModule {
        let source = wgpu::ShaderSource::Wgsl(text.into());
        let descriptor = wgpu::ShaderModuleDescriptor { label: Some(self.shader.name), source };
        if !self.shader.unchecked || gpu.checks_everything() {
            return device.create_shader_module(descriptor);
        }
        // SAFETY: only kernels that are marked as unchecked reach this call; their tests run with checks on at sizes that are
        // no multiple of any tile, so they index within bounds, their loops end, and they divide by sizes,
        // which are at least 1.
        unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
    }

    /// Its name in messages.
    fn what(&self) -> String {
        format!("kernel {}", self.shader.name)
    }

    /// Path under `shaders/` without `.wgsl`.
    pub fn name(&self) -> &'static str {
        self.shader.name
    }

    /// Whether it multiplies matrices on matrix units.
    pub(super) fn multiplies_matrices(&self) -> bool {
        self.interface.multiplies_matrices
    }

    /// The `@workgroup_size` of the WGSL.
    pub fn workgroup_size(&self) -> [u32; 3] {
        self.interface.workgroup_size
    }
}

//! A kernel: one WGSL file made into a pipeline for given override constants.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use super::lock::lock;
use super::narrow::narrow;
use super::reflect::{Interface, expand_imports};
use super::{Gpu, Precision};
use crate::error::{Error, Result};

/// A WGSL file of `shaders/`, compiled into the program.
#[derive(Debug, Clone, Copy)]
pub struct Shader {
    /// Path under `shaders/` without `.wgsl`, for example `conv/1_naive`.
    pub name: &'static str,
    /// The text of the file, imports not expanded.
    pub source: &'static str,
    /// True for kernels that are compiled without the driver-side bounds checks. Only for kernels
    /// where that was measured to matter and whose tests pass with checks at every awkward size.
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

impl Shader {
    /// The same shader without bounds checks; see [`unchecked`](Self::unchecked).
    pub(crate) const fn without_checks(self) -> Self {
        Self { unchecked: true, ..self }
    }

    /// The limit that a kernel exceeds on a device, in words to follow "needs"; `None` if it fits. Read off the WGSL.
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

/// A WGSL file with its override constants and all that is known of its interface. It is compiled at
/// its first launch, once for each choice of bindings that hold narrow numbers.
#[derive(Debug)]
pub struct Kernel {
    shader: Shader,
    overrides: Vec<(String, f64)>,
    source: Cow<'static, str>,
    pub(super) interface: Interface,
    pipelines: Mutex<HashMap<BTreeMap<String, Precision>, Arc<Pipeline>>>,
}

/// A compute pipeline.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) bind_group_layout: wgpu::BindGroupLayout,
}

impl Kernel {
    /// Parses. `overrides` gives values to the module's `override` constants by name; those not named
    /// keep the default written in the WGSL.
    pub(super) fn new(gpu: &Gpu, shader: &Shader, overrides: &[(&str, f64)]) -> Result<Self> {
        let fault = |message: String| Error::gpu(format!("kernel {}", shader.name), message);
        let source = expand_imports(shader.source).map_err(fault)?;
        let interface = Interface::of(&source).map_err(fault)?;
        let limits = gpu.limits();
        let invocations: u32 = interface.workgroup_size.iter().product();
        if invocations > limits.max_compute_invocations_per_workgroup {
            return Err(fault(format!(
                "needs {invocations} invocations in a workgroup; this adapter has {}",
                limits.max_compute_invocations_per_workgroup
            )));
        }
        let overrides = overrides.iter().map(|(name, value)| (name.to_string(), *value)).collect();
        Ok(Self { shader: *shader, overrides, source, interface, pipelines: Mutex::default() })
    }

    /// The pipeline for numbers of these precisions at the bindings named and of f32 at the others.
    pub(super) fn pipeline(&self, gpu: &Gpu, narrow: &BTreeMap<&str, Precision>) -> Result<Arc<Pipeline>> {
        let key: BTreeMap<String, Precision> =
            narrow.iter().map(|(name, precision)| ((*name).to_string(), *precision)).collect();
        if let Some(pipeline) = lock(&self.pipelines).get(&key) {
            return Ok(pipeline.clone());
        }
        let pipeline = Arc::new(self.compile(gpu, narrow)?);
        lock(&self.pipelines).insert(key, pipeline.clone());
        Ok(pipeline)
    }

    fn compile(&self, gpu: &Gpu, bindings: &BTreeMap<&str, Precision>) -> Result<Pipeline> {
        let what = format!("kernel {}", self.shader.name);
        let source = match bindings.is_empty() {
            true => self.source.clone(),
            false => narrow(&self.source, bindings).map_err(|message| Error::gpu(&what, message))?.into(),
        };
        let constants: Vec<(&str, f64)> =
            self.overrides.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let pipeline = gpu.scoped(&what, |device| {
            let descriptor = wgpu::ShaderModuleDescriptor {
                label: Some(self.shader.name),
                source: wgpu::ShaderSource::Wgsl(source),
            };
            let module = if self.shader.unchecked && !gpu.checks_everything() {
                // SAFETY: only kernels that are marked so come here; their tests run with checks
                // on at sizes that are no multiple of any tile, so they index within bounds,
                // their loops end, and they divide by sizes, which are at least 1.
                unsafe {
                    device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
                }
            } else {
                device.create_shader_module(descriptor)
            };
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(self.shader.name),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &constants,
                    // Kernels write workgroup memory before they read it.
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            })
        })?;
        let bind_group_layout = pipeline.get_bind_group_layout(0);
        Ok(Pipeline { pipeline, bind_group_layout })
    }

    /// Path under `shaders/` without `.wgsl`.
    pub fn name(&self) -> &'static str {
        self.shader.name
    }

    /// The `@workgroup_size` of the WGSL.
    pub fn workgroup_size(&self) -> [u32; 3] {
        self.interface.workgroup_size
    }
}

//! A kernel: one WGSL file made into a pipeline for given override constants.

use super::Gpu;
use super::reflect::{Interface, expand_imports};
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
}

/// A compute pipeline with all that is known of its interface.
#[derive(Debug)]
pub struct Kernel {
    pub(super) name: &'static str,
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) bind_group_layout: wgpu::BindGroupLayout,
    pub(super) interface: Interface,
}

impl Kernel {
    /// Parses, validates and compiles. `overrides` gives values to the module's `override`
    /// constants by name; those not named keep the default written in the WGSL.
    pub(super) fn compile(gpu: &Gpu, shader: &Shader, overrides: &[(&str, f64)]) -> Result<Self> {
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
        let pipeline = gpu.scoped(&format!("kernel {}", shader.name), |device| {
            let descriptor = wgpu::ShaderModuleDescriptor {
                label: Some(shader.name),
                source: wgpu::ShaderSource::Wgsl(source),
            };
            let module = if shader.unchecked && !gpu.checks_everything() {
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
                label: Some(shader.name),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: overrides,
                    // Kernels write workgroup memory before they read it.
                    zero_initialize_workgroup_memory: false,
                },
                cache: None,
            })
        })?;
        let bind_group_layout = pipeline.get_bind_group_layout(0);
        Ok(Self { name: shader.name, pipeline, bind_group_layout, interface })
    }

    /// Path under `shaders/` without `.wgsl`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The `@workgroup_size` of the WGSL.
    pub fn workgroup_size(&self) -> [u32; 3] {
        self.interface.workgroup_size
    }
}

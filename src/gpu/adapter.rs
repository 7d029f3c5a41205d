//! The adapters of the machine, and the choice of one.

use std::fmt;

use crate::error::{Error, Remedy, Result, Setting};

/// Which adapter to use: the default, a position in the list, or a part of the name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The most capable adapter, among those that `WGPU_ADAPTER_NAME` allows.
    #[default]
    Best,
    /// Position in the list of [`list_adapters`].
    Index(usize),
    /// A part of the adapter's name, in any case.
    Name(String),
}

impl std::str::FromStr for DeviceChoice {
    type Err = std::convert::Infallible;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Ok(s.parse().map_or_else(|_| Self::Name(s.to_lowercase()), Self::Index))
    }
}

/// Features and limits of an adapter that matter to this program.
#[derive(Debug, Clone)]
pub struct AdapterSummary {
    /// The adapter's and the driver's own names.
    pub name: String,
    /// Driver name and version; may be empty.
    pub driver: String,
    /// `Vulkan`, `Metal`, `Dx12`, `Gl` or `BrowserWebGpu`.
    pub backend: wgpu::Backend,
    /// Discrete, integrated, virtual or CPU.
    pub kind: wgpu::DeviceType,
    /// Largest storage binding in bytes: no tensor can be larger.
    pub max_binding: u64,
    /// Largest buffer in bytes.
    pub max_buffer: u64,
    /// Dedicated memory in bytes, where the API reports it; for an adapter on the CPU that of the machine.
    pub memory: Option<u64>,
    /// Workgroup memory in bytes.
    pub workgroup_memory: u32,
    /// Invocations in a workgroup.
    pub workgroup_size: u32,
    /// Smallest and largest subgroup, where subgroup operations are supported.
    pub subgroups: Option<(u32, u32)>,
    /// Half-precision arithmetic in shaders.
    pub f16: bool,
    /// Timestamps around passes.
    pub timestamps: bool,
    /// Shapes of cooperative matrices with f16 inputs, as text; empty if none.
    pub cooperative_matrices: Vec<String>,
    /// Why the program cannot run on it; `None` if it can.
    pub unusable: Option<String>,
}

impl AdapterSummary {
    pub(super) fn of(adapter: &wgpu::Adapter) -> Self {
        let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
        let compute =
            adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS);
        Self {
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
            backend: info.backend,
            kind: info.device_type,
            max_binding: limits.max_storage_buffer_binding_size,
            max_buffer: limits.max_buffer_size,
            memory: super::heap::device_memory(adapter),
            workgroup_memory: limits.max_compute_workgroup_storage_size,
            workgroup_size: limits.max_compute_invocations_per_workgroup,
            subgroups: features
                .contains(wgpu::Features::SUBGROUP)
                .then_some((info.subgroup_min_size, info.subgroup_max_size)),
            f16: features.contains(wgpu::Features::SHADER_F16),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            cooperative_matrices: adapter
                .cooperative_matrix_properties()
                .iter()
                .map(|p| format!("{}x{}x{} {:?}->{:?}", p.m_size, p.n_size, p.k_size, p.ab_type, p.cr_type))
                .collect(),
            unusable: obstacle(compute, limits.max_storage_buffers_per_shader_stage),
            // Browsers may keep it to themselves.
            name: if info.name.is_empty() { "this GPU".into() } else { info.name },
        }
    }

    /// True for a driver that runs on the CPU.
    pub fn is_software(&self) -> bool {
        self.kind == wgpu::DeviceType::Cpu
    }

    /// True if it is reached through OpenGL, which has the fewest features.
    pub fn is_opengl(&self) -> bool {
        self.backend == wgpu::Backend::Gl
    }

    /// True if its memory is the host's, so that both share one budget.
    pub fn shares_memory(&self) -> bool {
        matches!(self.kind, wgpu::DeviceType::Cpu | wgpu::DeviceType::IntegratedGpu)
    }

    /// Higher is better: real hardware before software, native APIs before GL.
    fn rank(&self) -> u32 {
        let kind = match self.kind {
            wgpu::DeviceType::DiscreteGpu => 4,
            wgpu::DeviceType::IntegratedGpu => 3,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Other => 1,
            wgpu::DeviceType::Cpu => 0,
        };
        kind * 2 + u32::from(self.backend != wgpu::Backend::Gl)
    }
}

/// Storage buffers that a kernel may bind: what WebGPU promises everywhere. The largest kernels bind as many.
pub const STORAGE_BUFFERS: u32 = 8;

/// Why an adapter cannot run the kernels, in words that follow its name.
fn obstacle(compute: bool, storage_buffers: u32) -> Option<String> {
    if !compute {
        return Some("runs no compute shaders".into());
    }
    (storage_buffers < STORAGE_BUFFERS).then(|| {
        format!(
            "binds {storage_buffers} storage buffers to a shader, and kernels need {STORAGE_BUFFERS}; a newer \
             driver may bind more (Mesa 22.3 does)"
        )
    })
}

impl fmt::Display for AdapterSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            wgpu::DeviceType::DiscreteGpu => "discrete GPU",
            wgpu::DeviceType::IntegratedGpu => "integrated GPU",
            wgpu::DeviceType::VirtualGpu => "virtual GPU",
            wgpu::DeviceType::Cpu => "software, on the CPU",
            wgpu::DeviceType::Other => "unknown kind",
        };
        write!(f, "{} ({:?}, {kind})", self.name, self.backend)
    }
}

/// All adapters with a summary each, best first. GL adapters are listed only where no other API has an adapter: they are
/// the same devices, with fewer features.
pub(super) fn enumerate() -> Vec<(wgpu::Adapter, AdapterSummary)> {
    let native = wgpu::Backends::VULKAN
        | wgpu::Backends::METAL
        | wgpu::Backends::DX12
        | wgpu::Backends::BROWSER_WEBGPU;
    let found = enumerate_on(native);
    if found.is_empty() { enumerate_on(wgpu::Backends::GL) } else { found }
}

/// `WGPU_BACKEND` limits the backends further.
fn enumerate_on(backends: wgpu::Backends) -> Vec<(wgpu::Adapter, AdapterSummary)> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends &= backends;
    if descriptor.backends.is_empty() {
        return vec![];
    }
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters: Vec<_> = super::wait::block_on(instance.enumerate_adapters(wgpu::Backends::all()))
        .into_iter()
        .map(|adapter| {
            let summary = AdapterSummary::of(&adapter);
            (adapter, summary)
        })
        .collect();
    adapters.sort_by_key(|(_, summary)| std::cmp::Reverse(summary.rank()));
    adapters
}

/// wgpu's own adapter that executes nothing, with the default limits and all features that kernels use.
pub(super) fn noop() -> Option<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::NOOP;
    descriptor.backend_options.noop = wgpu::NoopBackendOptions {
        // Enough workgroup memory for every kernel.
        limits: Some(wgpu::Limits {
            max_compute_workgroup_storage_size: 32 << 10,
            ..wgpu::Limits::default()
        }),
        features: Some(wgpu::Features::SUBGROUP | MATRICES),
        subgroup_min_size: Some(32),
        subgroup_max_size: Some(32),
        ..wgpu::NoopBackendOptions::enabled()
    };
    let instance = wgpu::Instance::new(descriptor);
    super::wait::block_on(instance.enumerate_adapters(wgpu::Backends::NOOP)).pop()
}

/// What kernels for matrix units need.
pub(super) const MATRICES: wgpu::Features =
    wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX.union(wgpu::Features::SHADER_F16);

/// Whether the adapter multiplies 16 x 16 matrices of f16 with sums in f32, and wgpu supports it.
pub(super) fn multiplies_matrices(adapter: &wgpu::Adapter) -> bool {
    use wgpu::CooperativeScalarType::{F16, F32};
    let shapes = adapter.cooperative_matrix_properties();
    adapter.features().contains(MATRICES)
        && shapes.iter().any(|shape| {
            [shape.m_size, shape.n_size, shape.k_size] == [16; 3]
                && (shape.ab_type, shape.cr_type) == (F16, F32)
        })
}

/// Every adapter of the machine, best first, so that positions are those of [`DeviceChoice::Index`].
/// `WGPU_BACKEND` limits the backends.
pub fn list_adapters() -> Vec<AdapterSummary> {
    enumerate().into_iter().map(|(_, summary)| summary).collect()
}

/// Position of the chosen adapter in the list of [`list_adapters`].
///
/// # Errors
/// [`Error::Adapter`] if there is none, none matches, or the chosen one cannot run the kernels.
pub fn choose_adapter(adapters: &[AdapterSummary], choice: &DeviceChoice) -> Result<usize> {
    if adapters.is_empty() {
        return Err(Error::adapter(NO_ADAPTER));
    }
    let env = std::env::var("WGPU_ADAPTER_NAME").ok().filter(|name| !name.is_empty());
    let wanted = match (choice, env) {
        (DeviceChoice::Best, Some(name)) => DeviceChoice::Name(name.to_lowercase()),
        (choice, _) => choice.clone(),
    };
    let found = match &wanted {
        DeviceChoice::Best => adapters.iter().position(|a| a.unusable.is_none()),
        DeviceChoice::Index(i) => (*i < adapters.len()).then_some(*i),
        DeviceChoice::Name(name) => adapters
            .iter()
            .position(|a| a.unusable.is_none() && a.name.to_lowercase().contains(name.as_str())),
    };
    let list =
        || adapters.iter().enumerate().map(|(i, a)| format!("{i}: {a}")).collect::<Vec<_>>().join("; ");
    let refused = |adapter: &AdapterSummary, why: &str| format!("{adapter} cannot be used: it {why}");
    match found {
        Some(i) => match &adapters[i].unusable {
            None => Ok(i),
            Some(why) => {
                Err(Error::adapter(format!("{}. The devices are {}", refused(&adapters[i], why), list()))
                    .with_remedies([Remedy::Change(Setting::Device)]))
            }
        },
        None => Err(Error::adapter(match wanted {
            DeviceChoice::Best => {
                let each = adapters.iter().map(|a| refused(a, a.unusable.as_deref().unwrap_or_default()));
                each.collect::<Vec<_>>().join("; ")
            }
            DeviceChoice::Index(i) => format!("there is no device {i}; choose from {}", list()),
            DeviceChoice::Name(name) => format!("no device has '{name}' in its name; choose from {}", list()),
        })),
    }
}

const NO_ADAPTER: &str = "no GPU adapter found. Install a Vulkan driver: `mesa-vulkan-drivers` on Debian, Ubuntu \
    and Fedora, `vulkan-swrast` (or `vulkan-radeon`, `vulkan-intel`, `nvidia-utils`) on Arch; on Windows, the \
    graphics driver of AMD, Intel or NVIDIA. If WGPU_BACKEND is set, try without it";

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, kind: wgpu::DeviceType, backend: wgpu::Backend) -> AdapterSummary {
        AdapterSummary {
            name: name.into(),
            driver: String::new(),
            backend,
            kind,
            max_binding: 1 << 27,
            max_buffer: 1 << 30,
            memory: None,
            workgroup_memory: 1 << 14,
            workgroup_size: 256,
            subgroups: None,
            f16: false,
            timestamps: false,
            cooperative_matrices: vec![],
            unusable: None,
        }
    }

    #[test]
    fn hardware_outranks_software_and_native_outranks_gl() {
        let gl = adapter("A", wgpu::DeviceType::DiscreteGpu, wgpu::Backend::Gl);
        let native = adapter("A", wgpu::DeviceType::DiscreteGpu, wgpu::Backend::Vulkan);
        let integrated = adapter("B", wgpu::DeviceType::IntegratedGpu, wgpu::Backend::Vulkan);
        let software = adapter("C", wgpu::DeviceType::Cpu, wgpu::Backend::Vulkan);
        assert!(native.rank() > gl.rank());
        assert!(gl.rank() > integrated.rank());
        assert!(integrated.rank() > software.rank());
    }

    #[test]
    fn choices_name_what_is_there() {
        let list = [
            adapter("Fast One", wgpu::DeviceType::DiscreteGpu, wgpu::Backend::Vulkan),
            adapter("Slow One", wgpu::DeviceType::Cpu, wgpu::Backend::Vulkan),
        ];
        assert_eq!(choose_adapter(&list, &DeviceChoice::Index(1)).unwrap(), 1);
        assert_eq!(choose_adapter(&list, &"slow".parse().unwrap()).unwrap(), 1);
        let error = choose_adapter(&list, &"turbo".parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains("turbo") && error.contains("Fast One"), "{error}");
        let error = choose_adapter(&[], &DeviceChoice::Best).unwrap_err().to_string();
        assert!(error.contains("mesa-vulkan-drivers") && error.contains("Windows"), "{error}");
    }

    #[test]
    fn an_adapter_that_cannot_run_kernels_is_never_the_best() {
        let mut list = [
            adapter("Old", wgpu::DeviceType::DiscreteGpu, wgpu::Backend::Gl),
            adapter("New", wgpu::DeviceType::Cpu, wgpu::Backend::Vulkan),
        ];
        for unusable in [obstacle(false, 0), obstacle(true, STORAGE_BUFFERS - 1)] {
            list[0].unusable = unusable;
            assert_eq!(choose_adapter(&list, &DeviceChoice::Best).unwrap(), 1);
            assert!(choose_adapter(&list, &DeviceChoice::Index(0)).is_err());
        }
        assert_eq!(obstacle(true, STORAGE_BUFFERS), None);
    }

    #[test]
    fn an_old_driver_is_named_with_the_remedy() {
        let mut old = adapter("llvmpipe", wgpu::DeviceType::Cpu, wgpu::Backend::Vulkan);
        old.unusable = obstacle(true, 3);
        let error = choose_adapter(&[old], &DeviceChoice::Best).unwrap_err().to_string();
        for part in ["llvmpipe", "3 storage buffers", "newer driver"] {
            assert!(error.contains(part), "{error}");
        }
    }
}

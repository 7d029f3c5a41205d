//! Limits and features of a device, for reports.

use std::collections::BTreeMap;

use serde::Serialize;

use super::device::Gpu;

/// Limits and features that a device was opened with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The adapter, its API and its kind.
    pub adapter: String,
    /// The driver with its version.
    pub driver: String,
    /// Limits by wgpu's names, those that matter to compute shaders.
    pub limits: BTreeMap<&'static str, u64>,
    /// Optional features in use, by wgpu's names.
    pub features: Vec<&'static str>,
    /// Smallest and largest subgroup, where subgroup operations are supported.
    pub subgroups: Option<(u32, u32)>,
    /// Shapes of cooperative matrices that the adapter lists.
    pub cooperative_matrices: Vec<String>,
}

impl Facts {
    /// Those of an open device.
    pub fn of(gpu: &Gpu) -> Self {
        let (adapter, limits) = (gpu.adapter(), gpu.limits());
        let limits = [
            ("max_buffer_size", limits.max_buffer_size),
            ("max_storage_buffer_binding_size", limits.max_storage_buffer_binding_size),
            ("max_storage_buffers_per_shader_stage", limits.max_storage_buffers_per_shader_stage.into()),
            ("max_uniform_buffer_binding_size", limits.max_uniform_buffer_binding_size),
            ("max_texture_dimension_2d", limits.max_texture_dimension_2d.into()),
            ("max_storage_textures_per_shader_stage", limits.max_storage_textures_per_shader_stage.into()),
            ("max_compute_workgroup_storage_size", limits.max_compute_workgroup_storage_size.into()),
            ("max_compute_invocations_per_workgroup", limits.max_compute_invocations_per_workgroup.into()),
            ("max_compute_workgroups_per_dimension", limits.max_compute_workgroups_per_dimension.into()),
        ];
        let features = wgpu::Features::all().iter_names().filter(|(_, feature)| gpu.has(*feature));
        Self {
            adapter: adapter.to_string(),
            driver: adapter.driver.clone(),
            limits: limits.into(),
            features: features.map(|(name, _)| name).collect(),
            subgroups: adapter.subgroups,
            cooperative_matrices: adapter.cooperative_matrices.clone(),
        }
    }
}

//! Features of a device that a kernel depends on and that cannot be read off its WGSL.

use crate::gpu::Gpu;

/// Features that a kernel needs. Workgroup sizes, workgroup memory and textures are not listed: they are reflected
/// from the WGSL.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::ops) struct Needs {
    pub subgroups: Subgroups,
    /// Cooperative matrices of 16 x 16 with f16 inputs and sums in f32.
    pub matrix_units: bool,
}

/// What a kernel assumes of subgroups.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::ops) enum Subgroups {
    /// Nothing: it uses none.
    #[default]
    Unused,
    /// All of one size, which is at least this.
    AtLeast(u32),
    /// All of just this size.
    Exactly(u32),
}

impl Needs {
    /// Nothing that not every device has.
    pub const NOTHING: Self = Self { subgroups: Subgroups::Unused, matrix_units: false };

    /// What the device is missing, in words to follow "needs".
    pub fn missing(&self, gpu: &Gpu) -> Option<String> {
        if self.matrix_units && !gpu.multiplies_matrices() {
            return Some("matrix units for 16 x 16 matrices of f16 with sums in f32".into());
        }
        let size = gpu.subgroup_size();
        match self.subgroups {
            Subgroups::AtLeast(least) if size.is_none_or(|size| size < least) => {
                Some(format!("subgroups of one size, at least {least}"))
            }
            Subgroups::Exactly(wanted) if size != Some(wanted) && !gpu.emulates_matrices() => {
                Some(format!("subgroups of {wanted}"))
            }
            Subgroups::Unused | Subgroups::AtLeast(_) | Subgroups::Exactly(_) => None,
        }
    }
}

//! Which variant of a kernel is used where.

mod builtin;

use crate::gpu::Gpu;
use crate::vgg19::Kernels;

/// What is used without timing anything.
pub fn builtin(gpu: &Gpu, width: u32, height: u32) -> Kernels {
    builtin::builtin(gpu, width, height)
}

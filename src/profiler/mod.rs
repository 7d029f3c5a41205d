//! The profiler: what the device could do, what each kernel does, and how far apart the two are.
//!
//! [`Roofs::measure`] finds the device's own limits with two small kernels. [`measure`] runs recordings
//! several times with a timestamp around every command, and [`Profile`] is the record of it: one
//! [`KernelLine`] a kernel, totals, memory. It goes to JSON and back, and two of them compare.

mod compare;
mod lines;
mod measure;
mod profile;
mod roofs;
mod spread;

pub use compare::{BeforeAfter, Change, Comparison};
pub use lines::{KernelLine, lines};
pub use measure::{Measurement, measure};
pub use profile::{Device, Memory, Profile, Totals, Workload};
pub use roofs::{Bound, OfRoof, Roofs};
pub use spread::Spread;

use crate::gpu::Shader;

/// Every kernel of the profiler.
pub const SHADERS: [Shader; 2] = roofs::SHADERS;

//! The profiler: the time of each kernel, against the limits of the device.
//!
//! [`Roofs::measure`] measures these limits with small kernels. [`measure`] runs recordings several times with
//! a timestamp around every command. [`Profile`] is the record: a [`KernelLine`] per kernel, totals, memory. It is
//! written and read as JSON, and a [`Comparison`] sets two profiles side by side.

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
pub use roofs::{Bound, OfRoof, Roofs, matrix_products};
pub use spread::Spread;

use crate::gpu::Shader;

/// Every kernel of the profiler.
pub const SHADERS: [Shader; 3] = roofs::SHADERS;

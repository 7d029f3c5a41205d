//! The device: adapters, tensors in GPU memory, kernels compiled from WGSL, and recordings of dispatches, which are made
//! once and submitted many times. No other module uses wgpu.
//!
//! A dispatch is recorded by `recording.launch(&kernel, "conv1_1").bind("src", &x).set("width", w).elements(n)`.
//! Binding numbers, access modes, parameter offsets and workgroup sizes are read from the WGSL by reflection
//! ([`Kernel`]); the Rust code does not state them again.

mod adapter;
mod allocate;
mod device;
mod emulate;
mod facts;
mod guard;
mod heap;
mod kept_pipelines;
mod kernel;
mod launch;
mod lock;
mod loops;
mod memory;
mod options;
mod pace;
mod readback;
mod recording;
mod reflect;
mod scratch;
mod source;
mod stand_in;
mod storage_precision;
mod tensor;
mod timing;
mod wait;

pub use adapter::{AdapterSummary, DeviceChoice, STORAGE_BUFFERS, choose_adapter, list_adapters};
pub use device::Gpu;
pub use facts::Facts;
pub use guard::Poison;
pub use kernel::{Kernel, KernelForm, Shader};
pub use launch::Launch;
pub use memory::{MemoryUse, Use, mebibytes};
pub use options::{Faults, GpuOptions};
pub use readback::Readback;
pub use recording::{PassKind, Recording, Work};
pub use scratch::{Scratch, ScratchMemory, ScratchSize};
pub use source::expand_imports;
pub use stand_in::StandIn;
pub use tensor::{Layout, Precision, Shape, Tensor, Texture, TextureSize};
pub use timing::{Clock, Timing};

pub(crate) use kernel::shader;

//! The only room that knows wgpu: adapters, tensors in GPU memory, kernels made from WGSL, and
//! recordings of dispatches that are made once and submitted many times.
//!
//! A host call reads `recording.launch(&kernel, "conv1_1").bind("src", &x).set("width", w).elements(n)`.
//! Binding numbers, access modes, parameter offsets and workgroup sizes all come from the WGSL by
//! reflection ([`Kernel`]); Rust never restates them.

mod adapter;
mod allocate;
mod device;
mod facts;
mod heap;
mod kernel;
mod launch;
mod lock;
mod memory;
mod pace;
mod readback;
mod recording;
mod reflect;
mod source;
mod storage_precision;
mod switches;
mod tensor;
mod timing;

pub use adapter::{AdapterSummary, DeviceChoice, choose_adapter, list_adapters};
pub use device::{Faults, Gpu, GpuOptions};
pub use facts::Facts;
pub use kernel::{Kernel, KernelForm, Shader};
pub use launch::Launch;
pub use memory::{MemoryUse, Use, mebibytes};
pub use readback::Readback;
pub use recording::{PassKind, Recording, Work};
pub use source::expand_imports;
pub use tensor::{Layout, Precision, Shape, Tensor, Texture, TextureSize};
pub use timing::{Clock, Timing};

pub(crate) use kernel::shader;

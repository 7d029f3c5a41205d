//! An open device: its limits, kernels, submissions and faults.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use web_time::Instant;

use super::Precision;
use super::adapter::{self, AdapterSummary, MATRICES};
use super::guard::{GUARD, Poison, PoisonCell};
use super::kept_pipelines::KeptPipelines;
use super::kernel::{Kernel, Shader};
use super::lock::lock;
use super::memory::{Ledger, MemoryUse};
use super::options::{Faults, GpuOptions};
use super::pace::{self, Pace};
use super::recording::{self, Command, Recording};
use super::stand_in::StandIn;
use super::wait::block_on;
use crate::error::{Error, Remedy, Result, Setting};

/// An open device. Clones share it.
#[derive(Debug, Clone)]
pub struct Gpu {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    device: wgpu::Device,
    queue: wgpu::Queue,
    limits: wgpu::Limits,
    summary: AdapterSummary,
    paranoid: bool,
    emulates_matrices: bool,
    guarded: bool,
    poison: PoisonCell,
    stand_in: Option<StandIn>,
    ledger: Ledger,
    kernels: Mutex<HashMap<KernelKey, Arc<Kernel>>>,
    kept_pipelines: Option<KeptPipelines>,
    fault: Arc<Mutex<Option<Error>>>,
    pace: Pace,
    submits: AtomicU64,
    faults: Faults,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(pipelines) = &self.kept_pipelines {
            pipelines.keep();
        }
    }
}

/// Size in bytes of the memory blocks that small tensors share.
const BLOCK: u64 = 8 << 20;

/// A shader's name and the override constants that it was compiled with (values as bits).
type KernelKey = (&'static str, Vec<(String, u64)>);

impl Gpu {
    /// Opens the chosen adapter with all of its limits and with the optional features that kernels use; none of them is
    /// required.
    ///
    /// # Errors
    /// [`Error::Adapter`] if there is no such adapter or it cannot be opened.
    pub fn open(options: &GpuOptions) -> Result<Self> {
        let mut adapters = adapter::enumerate();
        let summaries: Vec<_> = adapters.iter().map(|(_, summary)| summary.clone()).collect();
        let (adapter, _) = adapters.swap_remove(adapter::choose_adapter(&summaries, &options.device)?);
        let mut wanted = wgpu::Features::empty();
        // Browsers want a line of WGSL for it that naga does not know. Only kernels for drivers on the CPU use it.
        if adapter.get_info().backend != wgpu::Backend::BrowserWebGpu {
            wanted |= wgpu::Features::SUBGROUP;
        }
        if !options.wall_clock {
            wanted |= wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS;
        }
        if options.emulate_matrices {
            wanted |= wgpu::Features::SHADER_F16;
        } else if adapter::multiplies_matrices(&adapter) {
            wanted |= MATRICES;
        }
        if adapter.get_info().device_type == wgpu::DeviceType::Cpu {
            wanted |= wgpu::Features::SHADER_INT64;
        }
        if options.pipelines.is_some() {
            wanted |= wgpu::Features::PIPELINE_CACHE;
        }
        Self::with_features(&adapter, adapter.features() & wanted, options)
    }

    /// A device that executes nothing and has all features that kernels use. Recordings for it can be inspected on any
    /// machine.
    ///
    /// # Errors
    /// [`Error::Adapter`] if it cannot be opened.
    pub fn noop() -> Result<Self> {
        let adapter = adapter::noop().ok_or_else(|| Error::adapter("wgpu has no noop backend"))?;
        Self::with_features(&adapter, adapter.features(), &GpuOptions::default())
    }

    fn with_features(
        adapter: &wgpu::Adapter,
        features: wgpu::Features,
        options: &GpuOptions,
    ) -> Result<Self> {
        let mut summary = AdapterSummary::of(adapter);
        summary.kind = options.kind.unwrap_or(summary.kind);
        let mut limits = adapter.limits();
        if let Some(bytes) = options.max_tensor_bytes {
            limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.min(bytes);
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("impasto"),
            required_features: features,
            required_limits: limits.clone(),
            experimental_features: experimental(features),
            // A block is freed only when all tensors in it are. With small blocks only small tensors share one, and
            // each larger tensor has memory of its own.
            memory_hints: wgpu::MemoryHints::Manual { suballocated_device_memory_block_size: BLOCK..BLOCK },
            ..Default::default()
        };
        let (device, queue) = block_on(adapter.request_device(&descriptor)).map_err(|e| {
            Error::adapter(format!("cannot open {summary}: {e}"))
                .with_remedies([Remedy::Change(Setting::Device)])
        })?;
        let kept_pipelines = options
            .pipelines
            .as_ref()
            .and_then(|folder| KeptPipelines::open(&device, &adapter.get_info(), folder));
        let fault = Arc::new(Mutex::new(None));
        watch_for_faults(&device, &fault);
        let short = (!summary.is_software()).then_some(pace::SUBMIT);
        let inner = Inner {
            device,
            queue,
            limits,
            summary,
            paranoid: options.paranoid,
            emulates_matrices: options.emulate_matrices && features.contains(wgpu::Features::SHADER_F16),
            guarded: options.guarded,
            poison: PoisonCell::new(Poison::ALL_NAN),
            stand_in: options.stand_in.clone(),
            ledger: Ledger::default(),
            kernels: Mutex::default(),
            kept_pipelines,
            fault,
            pace: Pace::new(options.submit_time.or(short)),
            submits: AtomicU64::new(0),
            faults: options.faults,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The adapter behind this device.
    pub fn adapter(&self) -> &AdapterSummary {
        &self.inner.summary
    }

    /// The limits that the device was opened with: those of the adapter.
    pub(crate) fn limits(&self) -> &wgpu::Limits {
        &self.inner.limits
    }

    /// Largest tensor in bytes: the smaller of the buffer and the binding limit.
    pub fn max_tensor_bytes(&self) -> u64 {
        self.inner.limits.max_buffer_size.min(self.inner.limits.max_storage_buffer_binding_size)
    }

    /// Bytes of an intermediate result that is worth computing at a time, where work can be divided into bands: on a CPU,
    /// what stays in the caches; on a GPU, what occupies all of it for many times the start of a kernel. A large GPU needs
    /// more, and has the memory: see `docs/src/measurements/h200.md`. Half of that where values are stored in 16 bits to save
    /// memory.
    pub(crate) fn band_bytes(&self, precision: Precision) -> u64 {
        let AdapterSummary { kind, memory, .. } = self.inner.summary;
        match kind {
            wgpu::DeviceType::Cpu => 8 << 20,
            wgpu::DeviceType::DiscreteGpu => {
                let most = (8 << 20) * precision.vector_bytes();
                (memory.unwrap_or_default() / 64).clamp(32 << 20, most)
            }
            _ => 32 << 20,
        }
    }

    /// The subgroup size, if subgroup operations are supported and all subgroups have the same size.
    pub fn subgroup_size(&self) -> Option<u32> {
        self.inner.summary.subgroups.and_then(|(min, max)| (min == max).then_some(min))
    }

    /// Whether kernels can multiply 16 x 16 matrices of f16 with sums in f32.
    pub(crate) fn multiplies_matrices(&self) -> bool {
        self.inner.device.features().contains(MATRICES) || self.emulates_matrices()
    }

    /// Whether kernels access buffers of f32 in pairs, as u64: see `shaders/shared/storage_pairs`.
    pub(super) fn stores_pairs(&self) -> bool {
        self.inner.device.features().contains(wgpu::Features::SHADER_INT64)
    }

    /// Whether matrix units are replaced by loops: see [`GpuOptions::emulate_matrices`].
    pub(crate) fn emulates_matrices(&self) -> bool {
        self.inner.emulates_matrices
    }

    /// Memory of the device's tensors at present.
    pub fn memory(&self) -> MemoryUse {
        self.inner.ledger.now()
    }

    /// Resets the peak, to exclude earlier measurements from it.
    pub fn forget_peak_memory(&self) {
        self.inner.ledger.forget_peak();
    }

    /// Peak of the bytes of the device's tensors.
    pub fn peak_memory(&self) -> u64 {
        self.inner.ledger.peak()
    }

    /// Memory of tensors by use.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.inner.ledger
    }

    /// Whether an allocation of this many bytes is refused by a deliberate fault.
    pub(super) fn refuses(&self, bytes: u64) -> bool {
        self.inner.faults.memory.is_some_and(|most| self.memory().total() + bytes > most)
    }

    /// The compiled kernels of earlier runs, where they are kept.
    pub(super) fn kept_pipelines(&self) -> Option<&KeptPipelines> {
        self.inner.kept_pipelines.as_ref()
    }

    pub(super) fn checks_everything(&self) -> bool {
        self.inner.paranoid
    }

    /// Vectors of four numbers between the end of a tensor and the end of its binding.
    pub(super) fn guard(&self) -> u64 {
        if self.inner.guarded { GUARD } else { 0 }
    }

    /// What fresh memory holds on a device that is `paranoid`.
    pub(super) fn poison(&self) -> Poison {
        self.inner.poison.get()
    }

    /// Changes what tensors hold that are allocated from now on, on a device that is `paranoid`.
    pub fn set_poison(&self, poison: Poison) {
        self.inner.poison.set(poison);
    }

    /// The value of a `const` of the user's kernel that runs in place of this one; `None` if none does, or it has no such
    /// constant.
    pub(crate) fn constant_of_stand_in(&self, shader: &Shader, name: &str) -> Option<u32> {
        let stand_in = self.inner.stand_in.as_ref()?;
        stand_in.replaces(shader).and_then(|_| stand_in.constant(name))
    }

    /// The value of a `const` of what runs for this kernel: of the user's own, or of the kernel itself.
    pub(crate) fn constant(&self, shader: &Shader, name: &str) -> Option<u32> {
        let stand_in = self.inner.stand_in.as_ref().filter(|stand_in| stand_in.replaces(shader).is_some());
        stand_in.map_or_else(|| shader.constant(name), |stand_in| stand_in.constant(name))
    }

    /// Whether a user's kernel runs on this device of which an invocation may return before a barrier.
    pub(crate) fn stand_in_leaves_early(&self) -> bool {
        self.inner.stand_in.as_ref().is_some_and(StandIn::leaves_early)
    }

    /// Whether a user's kernel runs on this device that has workgroup memory.
    pub(crate) fn stand_in_shares_memory(&self) -> bool {
        self.inner.stand_in.as_ref().is_some_and(StandIn::shares_memory)
    }

    /// The kernel of a WGSL file for these override constants, or the user's that runs in its place; parsed once, then
    /// cached.
    ///
    /// # Errors
    /// [`Error::Gpu`] with the parser's message.
    pub fn kernel(&self, shader: &Shader, overrides: &[(&str, f64)]) -> Result<Arc<Kernel>> {
        let key: KernelKey = (
            shader.name,
            overrides.iter().map(|(name, value)| (name.to_string(), value.to_bits())).collect(),
        );
        if let Some(kernel) = lock(&self.inner.kernels).get(&key) {
            return Ok(kernel.clone());
        }
        let stand_in = self.inner.stand_in.as_ref().and_then(|stand_in| stand_in.replaces(shader));
        let kernel = Arc::new(Kernel::new(self, stand_in.unwrap_or(shader), overrides)?);
        lock(&self.inner.kernels).insert(key, kernel.clone());
        Ok(kernel)
    }

    /// Compiles the kernels of recordings that are not compiled yet, all at once. Submitting does it, too, for what it submits.
    ///
    /// # Errors
    /// [`Error::Gpu`] naming a kernel that the device does not take.
    pub fn compile(&self, recordings: &[&Recording]) -> Result<()> {
        let all: Vec<&Command> = recordings.iter().flat_map(|recording| recording.commands()).collect();
        recording::compile(self, &all)
    }

    /// Runs recordings, one after the other, in one submission, or in several if one would take too long. Waits only for
    /// the first few, and only on a device whose submissions are bounded in time, to measure its speed.
    ///
    /// # Errors
    /// [`Error::Gpu`] or [`Error::DeviceLost`] if this or an earlier submission failed, as far as is known at this time.
    pub fn submit(&self, recordings: &[&Recording]) -> Result<()> {
        let pace = &self.inner.pace;
        let all: Vec<&Command> = recordings.iter().flat_map(|recording| recording.commands()).collect();
        recording::compile(self, &all)?;
        let mut first = 0;
        for end in pace.cut(all.iter().map(|command| command.work())) {
            let (part, began) = (&all[first..end], Instant::now());
            self.submit_encoded(|encoder| recording::encode(part, encoder))?;
            if pace.wants_to_learn() {
                self.wait()?;
                pace.learn(part.iter().map(|command| command.work()), began.elapsed());
            }
            first = end;
        }
        Ok(())
    }

    /// Number of submissions so far.
    pub fn submits(&self) -> u64 {
        self.inner.submits.load(Ordering::Relaxed)
    }

    /// Submits what `encode` encodes. Does not wait.
    pub(super) fn submit_encoded(&self, encode: impl FnOnce(&mut wgpu::CommandEncoder)) -> Result<()> {
        self.check()?;
        let number = self.inner.submits.fetch_add(1, Ordering::Relaxed) + 1;
        if self.inner.faults.lost_at == Some(number) {
            self.inner.device.destroy();
            lock(&self.inner.fault).get_or_insert(Error::DeviceLost { message: "on purpose".into() });
            return self.check();
        }
        let mut encoder = self.inner.device.create_command_encoder(&Default::default());
        encode(&mut encoder);
        self.inner.queue.submit([encoder.finish()]);
        self.check()
    }

    /// Waits until everything submitted is done.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn wait(&self) -> Result<()> {
        let done = self.inner.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        done.map(|_| ()).map_err(|e| Error::gpu("waiting for the device", e.to_string()))
    }

    /// Submits pending writes and waits for them. Until the next submission they are in staging memory, which the ledger
    /// does not count.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn flush(&self) -> Result<()> {
        self.submit_encoded(|_| ())?;
        self.wait()
    }

    /// Runs callbacks of finished submissions, without waiting.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn poll(&self) -> Result<()> {
        let polled = self.inner.device.poll(wgpu::PollType::Poll);
        self.check()?;
        polled.map(|_| ()).map_err(|e| Error::gpu("polling the device", e.to_string()))
    }

    /// Whether the device was opened with a feature.
    pub(super) fn has(&self, feature: wgpu::Features) -> bool {
        self.inner.device.features().contains(feature)
    }

    pub(super) fn queue(&self) -> &wgpu::Queue {
        &self.inner.queue
    }

    /// The first fault that the device reported asynchronously, if any. A fault is returned once; the loss of the device is
    /// returned every time.
    pub(super) fn check(&self) -> Result<()> {
        let mut fault = lock(&self.inner.fault);
        let found = match &*fault {
            Some(lost @ Error::DeviceLost { .. }) => Some(lost.clone()),
            _ => fault.take(),
        };
        found.map_or(Ok(()), Err)
    }

    /// Runs `f` and converts validation and memory errors of the device into an error about `what`.
    pub(super) fn scoped<T>(&self, what: &str, f: impl FnOnce(&wgpu::Device) -> T) -> Result<T> {
        let device = &self.inner.device;
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let value = f(device);
        // All are popped before the first is waited for: in a browser each answer takes a turn of the page's loop.
        for found in [validation, internal, memory].map(wgpu::ErrorScopeGuard::pop) {
            if let Some(error) = block_on(found) {
                return Err(describe(what, &error));
            }
        }
        self.check()?;
        Ok(value)
    }
}

/// wgpu requires explicit consent to features that it calls experimental.
fn experimental(features: wgpu::Features) -> wgpu::ExperimentalFeatures {
    if !features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX) {
        return wgpu::ExperimentalFeatures::disabled();
    }
    // SAFETY: only kernels with `Needs::matrix_units` and `roofline/matrix` use the feature, on adapters that list the shape
    // they use; their matrices are loaded and stored at offsets within their arrays.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}

fn describe(what: &str, error: &wgpu::Error) -> Error {
    match error {
        wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory { what: what.into() },
        error => Error::gpu(what, error.to_string()),
    }
}

/// Stores errors outside any scope and the loss of the device, for the next call that returns an error.
fn watch_for_faults(device: &wgpu::Device, fault: &Arc<Mutex<Option<Error>>>) {
    let keep = |fault: &Mutex<Option<Error>>, error: Error| {
        lock(fault).get_or_insert(error);
    };
    let uncaptured = fault.clone();
    device.on_uncaptured_error(Arc::new(move |error| keep(&uncaptured, describe("a submit", &error))));
    let lost = fault.clone();
    device.set_device_lost_callback(move |reason, message| {
        if reason != wgpu::DeviceLostReason::Destroyed {
            *lock(&lost) = Some(Error::DeviceLost { message });
        }
    });
}

//! Recordings: dispatches and copies with their pipelines and bind groups, made once and submitted any number of times.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::kernel::{KernelForm, Pipeline};
use super::{Gpu, Kernel, Launch, Shape, Tensor, Texture, Use};
use crate::error::Result;

/// Which part of an evaluation a recording is. A profile groups its kernels by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassKind {
    /// Computes activations and losses.
    Forward,
    /// Computes gradients.
    Backward,
    /// Updates the image.
    Update,
    /// Anything else, such as copies or a measurement.
    #[serde(other)]
    Other,
}

impl fmt::Display for PassKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            PassKind::Forward => "forward",
            PassKind::Backward => "backward",
            PassKind::Update => "update",
            PassKind::Other => "other",
        })
    }
}

/// A list of commands for the device.
#[derive(Debug)]
pub struct Recording {
    pub(super) gpu: Gpu,
    pass: PassKind,
    pub(super) commands: Vec<Command>,
}

#[derive(Debug)]
pub(super) enum Command {
    Dispatch(Dispatch),
    Copy { from: wgpu::Buffer, to: wgpu::Buffer, to_offset: u64, bytes: u64 },
    Upload { from: wgpu::Buffer, to: Texture, vectors: u64 },
}

/// A dispatch of a kernel, with its work for the profiler.
#[derive(Debug, Clone)]
pub(super) struct Dispatch {
    pub(super) kernel: Arc<Kernel>,
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) bind_group: wgpu::BindGroup,
    pub(super) groups: [u32; 3],
    pub(super) label: String,
    pub(super) work: Work,
}

/// The work of a dispatch, computed from its sizes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    /// Floating-point operations; a multiply-add counts as two.
    pub flops: f64,
    /// Operations that the definition would have needed for the same result: more than `flops` for
    /// Winograd's convolution, zero for its transforms.
    pub direct_flops: f64,
    /// Least number of bytes moved: each bound tensor once, unless [`Launch::bytes`] sets another number; for a copy, bytes
    /// read and bytes written.
    pub bytes: f64,
}

impl Recording {
    /// An empty recording that is not a pass of an evaluation.
    pub fn new(gpu: &Gpu) -> Self {
        Self::of_pass(gpu, PassKind::Other)
    }

    /// An empty recording of a pass.
    pub fn of_pass(gpu: &Gpu, pass: PassKind) -> Self {
        Self { gpu: gpu.clone(), pass, commands: vec![] }
    }

    /// The pass.
    pub fn pass(&self) -> PassKind {
        self.pass
    }

    pub(super) fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Number of commands in it, dispatches and copies.
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// True if nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Runs a range of its commands. Does not wait.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if this or an earlier submission failed, as far as is known at this time.
    pub fn submit_part(&self, commands: Range<usize>) -> Result<()> {
        let part = &self.commands[commands];
        compile(&self.gpu, &part.iter().collect::<Vec<_>>())?;
        self.gpu.submit_encoded(|encoder| part.iter().for_each(|command| command.encode(encoder, None)))
    }

    /// Number of dispatches in it.
    pub fn dispatches(&self) -> usize {
        self.commands.iter().filter(|command| matches!(command, Command::Dispatch(_))).count()
    }

    /// Kernel and label of each dispatch, in order.
    pub fn launched(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.commands.iter().filter_map(Command::dispatch).map(|one| (one.kernel.name(), &*one.label))
    }

    /// A recording of the same pass with nothing but the dispatches of a kernel, all or those with one label.
    pub fn only(&self, kernel: &str, label: Option<&str>) -> Self {
        let dispatches = self.commands.iter().filter_map(Command::dispatch);
        let wanted = dispatches
            .filter(|one| one.kernel.name() == kernel && label.is_none_or(|label| one.label == label));
        let commands = wanted.cloned().map(Command::Dispatch).collect();
        Self { gpu: self.gpu.clone(), pass: self.pass, commands }
    }

    /// The forms in which a kernel is launched, each once, in the order of their first launch.
    ///
    /// # Errors
    /// None: these texts were compiled before.
    pub fn forms_of(&self, kernel: &str) -> Result<Vec<KernelForm>> {
        let mut launched: Vec<&Dispatch> = vec![];
        for dispatch in self.commands.iter().filter_map(Command::dispatch) {
            let is_new = |other: &&Dispatch| other.pipeline.storage != dispatch.pipeline.storage;
            if dispatch.kernel.name() == kernel && launched.iter().all(is_new) {
                launched.push(dispatch);
            }
        }
        launched.into_iter().map(|dispatch| dispatch.kernel.form(&dispatch.pipeline.storage)).collect()
    }

    /// Starts one dispatch of `kernel`; `label` is the layer or step it belongs to.
    pub fn launch<'a>(&'a mut self, kernel: &Arc<Kernel>, label: &'a str) -> Launch<'a> {
        Launch::new(self, kernel, label)
    }

    /// Copies one tensor's buffer over another of the same size.
    pub fn copy(&mut self, from: &Tensor, to: &Tensor) {
        debug_assert_eq!(from.shape.bytes(), to.shape.bytes());
        self.copy_to(from, &to.buffer, 0);
    }

    pub(super) fn copy_to(&mut self, from: &Tensor, to: &wgpu::Buffer, to_offset: u64) {
        let (from, bytes) = (from.buffer.clone(), from.shape.bytes());
        self.commands.push(Command::Copy { from, to: to.clone(), to_offset, bytes });
    }

    /// Zeros in the last vector of a planar tensor whose length is no multiple of four, for kernels that write single numbers:
    /// what they leave out must be zero, as everywhere.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if there is no room for one vector.
    pub fn clear_end(&mut self, tensor: &Tensor) -> Result<()> {
        if tensor.shape.len().is_multiple_of(4) {
            return Ok(());
        }
        let bytes = tensor.shape.precision.vector_bytes();
        let zeros = Shape::scalar().stored_in(tensor.shape.precision);
        let zeros = self.gpu.upload(zeros, &[0.0], Use::Scratch, "zeros")?;
        let (to, to_offset) = (tensor.buffer.clone(), tensor.shape.bytes() - bytes);
        self.commands.push(Command::Copy { from: zeros.buffer.clone(), to, to_offset, bytes });
        Ok(())
    }

    /// Copies a tensor's numbers into the texels of a texture that is large enough.
    pub fn copy_to_texture(&mut self, from: &Tensor, to: &Texture) {
        let vectors = from.shape.vectors();
        debug_assert_eq!(from.shape.precision, to.precision);
        self.commands.push(Command::Upload { from: from.buffer.clone(), to: to.clone(), vectors });
    }
}

/// Compiles the kernels that these commands launch and that are not compiled yet, at once.
pub(super) fn compile(gpu: &Gpu, commands: &[&Command]) -> Result<()> {
    let mut missing: Vec<&Dispatch> = vec![];
    for dispatch in commands.iter().filter_map(|command| command.dispatch()) {
        let is_same = |other: &&Dispatch| Arc::ptr_eq(&other.pipeline, &dispatch.pipeline);
        if dispatch.pipeline.compiled().is_none() && !missing.iter().any(is_same) {
            missing.push(dispatch);
        }
    }
    let compile = |dispatch: &&Dispatch| dispatch.kernel.compile(gpu, &dispatch.pipeline);
    match missing.len() {
        0 | 1 => missing.iter().try_for_each(compile),
        _ => missing.par_iter().try_for_each(compile),
    }
}

/// Encodes commands, whose kernels are compiled. Neighbouring dispatches share a pass; wgpu puts the barriers between them.
pub(super) fn encode(commands: &[&Command], encoder: &mut wgpu::CommandEncoder) {
    for run in commands.chunk_by(|a, b| a.dispatch().is_some() && b.dispatch().is_some()) {
        if run[0].dispatch().is_none() {
            run[0].encode(encoder, None);
            continue;
        }
        let mut pass = encoder.begin_compute_pass(&Default::default());
        run.iter().filter_map(|command| command.dispatch()).for_each(|dispatch| dispatch.encode(&mut pass));
    }
}

impl Command {
    pub(super) fn dispatch(&self) -> Option<&Dispatch> {
        match self {
            Self::Dispatch(dispatch) => Some(dispatch),
            _ => None,
        }
    }

    /// Encodes one command. A dispatch gets a pass of its own, with these timestamps around it.
    pub(super) fn encode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        timestamp_writes: Option<wgpu::ComputePassTimestampWrites>,
    ) {
        match self {
            Self::Dispatch(dispatch) => {
                let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
                dispatch.encode(&mut encoder.begin_compute_pass(&descriptor));
            }
            Self::Copy { from, to, to_offset, bytes } => {
                encoder.copy_buffer_to_buffer(from, 0, to, *to_offset, *bytes);
            }
            Self::Upload { from, to, vectors } => upload(encoder, from, to, *vectors),
        }
    }

    /// The work of a command. A copy reads and writes.
    pub(super) fn work(&self) -> Work {
        let copied = |bytes: u64| Work { bytes: 2.0 * bytes as f64, ..Default::default() };
        match self {
            Self::Dispatch(dispatch) => dispatch.work,
            Self::Copy { bytes, .. } => copied(*bytes),
            Self::Upload { to, vectors, .. } => copied(vectors * to.precision.vector_bytes()),
        }
    }
}

impl Dispatch {
    fn encode(&self, pass: &mut wgpu::ComputePass) {
        // Whoever submits compiles first.
        let Some(pipeline) = self.pipeline.compiled() else { return };
        let [x, y, z] = self.groups;
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(x, y, z);
    }
}

/// One copy for all complete rows, another for the last, incomplete row.
fn upload(encoder: &mut wgpu::CommandEncoder, from: &wgpu::Buffer, to: &Texture, vectors: u64) {
    let row = u64::from(Texture::ROW);
    let bytes_per_row = row * to.precision.vector_bytes();
    let (rows, rest) = (vectors / row, vectors % row);
    for (first, width, height) in [(0, row, rows), (rows, rest, 1)] {
        if width * height == 0 {
            continue;
        }
        let source = wgpu::TexelCopyBufferInfo {
            buffer: from,
            layout: wgpu::TexelCopyBufferLayout {
                offset: first * bytes_per_row,
                bytes_per_row: Some(bytes_per_row as u32),
                rows_per_image: None,
            },
        };
        let mut target = to.texture.as_image_copy();
        target.origin.y = first as u32;
        let size = wgpu::Extent3d { width: width as u32, height: height as u32, depth_or_array_layers: 1 };
        encoder.copy_buffer_to_texture(source, target, size);
    }
}

//! Checkpoints: the state of a painting in a file, to resume later.
//!
//! The file is safetensors: one f32 tensor for each array of the optimiser's [`State`], and in its metadata a JSON
//! object for the rest.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use super::{EarlyStopping, OptimizationLoop, Painter, Scale, Schedule};
use crate::error::{Error, Result};
use crate::optim::State;
use crate::output::OutputFile;

/// Name and version of the format, in the metadata.
const FORMAT: &str = "impasto checkpoint 2";

/// The state of a painting between two evaluations.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub(super) scale: usize,
    pub(super) evaluations_before: usize,
    pub(super) early_stopping: EarlyStopping,
    pub(super) seconds: f64,
    finished: usize,
    restarts: u32,
    state: State,
    /// What the caller needs to make the inputs and the plan again.
    pub note: String,
}

/// The metadata of a checkpoint. The keys belong to the format: files with other keys are refused.
#[derive(Serialize, Deserialize)]
struct Header {
    scale: usize,
    #[serde(rename = "before")]
    evaluations_before: usize,
    finished: usize,
    seconds: f64,
    restarts: f32,
    #[serde(rename = "patience")]
    early_stopping: EarlyStopping,
    /// Names of the arrays, in order.
    #[serde(rename = "labels")]
    names: Vec<String>,
    /// [`fingerprint`] of all tensors' bytes.
    checksum: u64,
    note: String,
}

impl Checkpoint {
    /// The state of a painter and its idle loop.
    pub(super) fn of(painter: &Painter, optimization: &dyn OptimizationLoop) -> Result<Self> {
        Ok(Self {
            scale: painter.scale,
            evaluations_before: painter.evaluations_before,
            finished: optimization.finished(),
            seconds: painter.seconds(),
            restarts: optimization.restarts(),
            early_stopping: painter.early_stopping.clone(),
            state: optimization.state()?,
            note: String::new(),
        })
    }

    /// Number of finished evaluations, over all scales.
    pub fn done(&self) -> usize {
        self.evaluations_before + self.finished
    }

    /// The scale of `schedule` at which it was made.
    ///
    /// # Errors
    /// [`Error::Usage`] if the schedule has no such scale or evaluation.
    pub(super) fn scale_of<'a>(&self, schedule: &'a Schedule) -> Result<&'a Scale> {
        let earlier: usize = schedule.scales().iter().take(self.scale).map(|scale| scale.iterations).sum();
        let fits = |scale: &&Scale| self.finished <= scale.iterations && self.evaluations_before <= earlier;
        let scale = schedule.scales().get(self.scale).filter(fits);
        scale.ok_or_else(|| Error::Usage("the checkpoint is of another schedule of scales".into()))
    }

    /// Puts a new loop into this state.
    ///
    /// # Errors
    /// [`Error::Usage`] if it has other tensors.
    pub(super) fn write_to(&self, optimization: &mut dyn OptimizationLoop) -> Result<()> {
        if optimization.restore(&self.state, self.finished, self.restarts) {
            return Ok(());
        }
        Err(Error::Usage(
            "the checkpoint is of another optimiser, another image size, or a device with other limits"
                .into(),
        ))
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Output`] naming the file.
    pub fn save(&self, file: &OutputFile) -> Result<()> {
        let bytes: Vec<Vec<u8>> = self.state.0.iter().map(|(_, values)| to_bytes(values)).collect();
        let header = Header {
            scale: self.scale,
            evaluations_before: self.evaluations_before,
            finished: self.finished,
            seconds: self.seconds,
            restarts: self.restarts as f32,
            early_stopping: self.early_stopping.clone(),
            names: self.state.0.iter().map(|(name, _)| name.clone()).collect(),
            checksum: fingerprint(bytes.iter().flatten().copied()),
            note: self.note.clone(),
        };
        file.replace(|writer| {
            let header = serde_json::to_string(&header)?;
            let metadata = HashMap::from([("format".into(), FORMAT.into()), ("painting".into(), header)]);
            let views = bytes.iter().enumerate().map(|(i, bytes)| {
                let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes);
                view.map(|view| (tensor_name(i), view)).map_err(std::io::Error::other)
            });
            let views = views.collect::<std::io::Result<Vec<_>>>()?;
            let file = safetensors::serialize(views, Some(metadata)).map_err(std::io::Error::other)?;
            writer.write_all(&file)
        })
    }

    /// Reads a file that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] naming the file if it cannot be read, has another format or version, or is damaged.
    pub fn load(path: &Path) -> Result<Self> {
        let unreadable = |e: std::io::Error| Error::Checkpoint {
            path: path.into(),
            reason: format!("cannot read: {}", e.kind()),
        };
        Self::parse(path, &std::fs::read(path).map_err(unreadable)?)
    }

    /// Parses the bytes of a file. `path` is for messages.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self> {
        let refuse = |reason: &str| Error::Checkpoint { path: path.into(), reason: reason.into() };
        let foreign = || refuse("is no checkpoint of this version of Impasto, or is damaged");
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|_| foreign())?;
        let metadata = metadata.metadata().clone().unwrap_or_default();
        if metadata.get("format").map(String::as_str) != Some(FORMAT) {
            return Err(foreign());
        }
        let header = metadata.get("painting").and_then(|header| serde_json::from_str::<Header>(header).ok());
        let header = header.ok_or_else(foreign)?;
        let damaged = || refuse("is damaged: use another checkpoint or start anew");
        // Counts of a real painting never overflow; later sums rely on that.
        header.evaluations_before.checked_add(header.finished).ok_or_else(damaged)?;
        let file = SafeTensors::deserialize(bytes).map_err(|_| damaged())?;
        let views = (0..header.names.len()).map(|i| file.tensor(&tensor_name(i)).ok());
        let views = views.collect::<Option<Vec<_>>>().ok_or_else(damaged)?;
        if fingerprint(views.iter().flat_map(|view| view.data().iter().copied())) != header.checksum {
            return Err(damaged());
        }
        let values = views.iter().map(|view| from_bytes(view.data()));
        Ok(Self {
            scale: header.scale,
            evaluations_before: header.evaluations_before,
            finished: header.finished,
            seconds: header.seconds,
            restarts: header.restarts as u32,
            early_stopping: header.early_stopping,
            state: State(header.names.into_iter().zip(values).collect()),
            note: header.note,
        })
    }
}

/// Tensors are numbered in the file, since names of arrays repeat: a long history is cut into several.
fn tensor_name(index: usize) -> String {
    format!("{index:02}")
}

fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_bits().to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_bits(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect()
}

/// FNV-1a of 64 bits: detects damage and other files, but not manipulation.
pub fn fingerprint(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(scale: usize, before: usize, finished: usize) -> Checkpoint {
        Checkpoint {
            scale,
            evaluations_before: before,
            early_stopping: EarlyStopping::new(None),
            seconds: 1.0,
            finished,
            restarts: 0,
            state: State(vec![("x".into(), vec![1.0, -0.0, f32::MIN_POSITIVE])]),
            note: "note".into(),
        }
    }

    /// The checkpoint, saved and loaded.
    fn saved_and_loaded(checkpoint: &Checkpoint) -> Result<Checkpoint> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c");
        checkpoint.save(&OutputFile::of(&path).unwrap()).unwrap();
        Checkpoint::load(&path)
    }

    #[test]
    fn impossible_counts_are_refused() {
        let right = checkpoint(0, 0, 7);
        assert_eq!(saved_and_loaded(&right).unwrap(), right);
        let error = saved_and_loaded(&checkpoint(1, usize::MAX, 1)).unwrap_err().to_string();
        assert!(error.contains("is damaged"), "{error}");
        let schedule = Schedule::plain(8, 8, 10);
        assert!(right.scale_of(&schedule).is_ok());
        for wrong in [checkpoint(0, 0, 11), checkpoint(0, 1, 1), checkpoint(1, 10, 1)] {
            assert!(wrong.scale_of(&schedule).unwrap_err().is_usage(), "{wrong:?}");
        }
    }
}

//! Compiled kernels that are kept between runs: one file a device and driver, for backends that can (Vulkan).
//!
//! A driver may trust what it reads, so a file that is not whole is not given to it: it begins with a mark and a checksum of
//! all that follows. wgpu adds the device and the driver's version, and ignores what belongs to others.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;
use crate::output::OutputFile;

/// The first bytes of a file.
const MARK: &[u8; 8] = b"impasto1";
/// Bytes before the data: the mark and the checksum.
const HEADER: usize = 16;
/// A longer file has mostly kernels of earlier versions, and is begun anew.
const LONGEST: usize = 64 << 20;

/// The cache of a device, and its file.
#[derive(Debug)]
pub(super) struct KeptPipelines {
    cache: wgpu::PipelineCache,
    file: PathBuf,
    /// Checksum of what the file had; `None` if it was missing or not whole.
    known: Option<u64>,
    /// Whether anything was compiled.
    used: AtomicBool,
}

impl KeptPipelines {
    /// What the folder has for this device; `None` for a backend that keeps no compiled kernels.
    pub(super) fn open(device: &wgpu::Device, adapter: &wgpu::AdapterInfo, folder: &Path) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let key = wgpu::util::pipeline_cache_key(adapter)?;
        let file = folder.join(format!("{key}.pipelines"));
        let data = std::fs::read(&file).ok().and_then(whole);
        let known = data.as_deref().map(checksum);
        let descriptor =
            wgpu::PipelineCacheDescriptor { label: Some("kept"), data: data.as_deref(), fallback: true };
        // SAFETY: the data is what `get_data` returned in an earlier run, or else the checksum is wrong.
        let cache = unsafe { device.create_pipeline_cache(&descriptor) };
        Some(Self { cache, file, known, used: AtomicBool::new(false) })
    }

    /// The cache, for compiling a kernel.
    pub(super) fn for_one_more(&self) -> &wgpu::PipelineCache {
        self.used.store(true, Ordering::Relaxed);
        &self.cache
    }

    /// Writes the file, if anything is new. Without it the next run is slower, and nothing else is lost.
    pub(super) fn keep(&self) {
        let Some(data) = self.used.load(Ordering::Relaxed).then(|| self.cache.get_data()).flatten() else {
            return;
        };
        let sum = checksum(&data);
        if self.known != Some(sum) && data.len() <= LONGEST {
            let _ = self.write(&data, sum);
        }
    }

    fn write(&self, data: &[u8], sum: u64) -> Result<()> {
        if let Some(folder) = self.file.parent() {
            // If there is no folder, the next line says so.
            let _ = std::fs::create_dir_all(folder);
        }
        OutputFile::of(&self.file)?.replace(|writer| {
            writer.write_all(MARK)?;
            writer.write_all(&sum.to_le_bytes())?;
            writer.write_all(data)
        })
    }
}

/// The data of a file, if it is whole and not too long.
fn whole(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (mark, rest) = bytes.split_first_chunk::<8>()?;
    let (sum, data) = rest.split_first_chunk::<8>()?;
    let is_whole = mark == MARK && checksum(data) == u64::from_le_bytes(*sum);
    (is_whole && bytes.len() <= LONGEST + HEADER).then(|| data.to_vec())
}

/// FNV-1a.
fn checksum(data: &[u8]) -> u64 {
    data.iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(data: &[u8]) -> Vec<u8> {
        [&MARK[..], &checksum(data).to_le_bytes(), data].concat()
    }

    #[test]
    fn only_a_whole_file_counts() {
        assert_eq!(whole(file(b"compiled")).as_deref(), Some(&b"compiled"[..]));
        assert_eq!(whole(file(b"")).as_deref(), Some(&b""[..]));
        let mut cut = file(b"compiled");
        cut.pop();
        assert_eq!(whole(cut), None);
        for bit in 0..file(b"compiled").len() * 8 {
            let mut damaged = file(b"compiled");
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(whole(damaged), None, "bit {bit}");
        }
        assert_eq!(whole(b"short".to_vec()), None);
        assert_eq!(whole(vec![]), None);
    }
}

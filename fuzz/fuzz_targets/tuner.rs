//! The tuner's file in the cache folder: a choice for every layer, or nothing.
#![no_main]

use std::fs;
use std::sync::OnceLock;

use impasto::gpu::AdapterSummary;
use impasto::tuner::{Mode, PrecisionChoice, Tuner, fingerprint};
use impasto::vgg19::LayerId;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// Seeds have this in place of the fingerprint of the kernels, which changes with every kernel.
const PLACE: &str = "@KERNELS@";

fuzz_target!(|bytes: &[u8]| {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| TempDir::new_in("/dev/shm").expect("a folder in memory")).path();
    let file = folder.join("kernels-llvmpipe-vulkan.json");
    let text = String::from_utf8_lossy(bytes).replace(PLACE, fingerprint());
    fs::write(&file, if text.contains(fingerprint()) { text.as_bytes() } else { bytes }).expect("a file");
    let tuner = Tuner { mode: Mode::Cached, folder: Some(folder.into()), precision: PrecisionChoice::Auto };
    tuner.refused(&adapter());
    if let Some(choice) = tuner.remembered(&adapter(), [64, 48], LayerId::LAST) {
        assert_eq!(choice.timed, 0);
        choice.kernels.to_string();
    }
});

fn adapter() -> AdapterSummary {
    AdapterSummary {
        name: "llvmpipe".into(),
        driver: "Mesa 1".into(),
        backend: wgpu::Backend::Vulkan,
        kind: wgpu::DeviceType::Cpu,
        memory: None,
        max_binding: 1 << 27,
        max_buffer: 1 << 30,
        workgroup_memory: 1 << 15,
        workgroup_size: 1024,
        subgroups: None,
        f16: false,
        timestamps: false,
        cooperative_matrices: vec![],
        usable: true,
    }
}

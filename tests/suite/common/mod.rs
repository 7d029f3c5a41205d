//! Helpers shared by the tests: devices, golden files, a folder to run the program in.

#[cfg(unix)]
pub mod browser;
pub mod http;
#[cfg(unix)]
pub mod page;
pub mod test_folder;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use impasto::gpu::{Gpu, GpuOptions, Shader};
use impasto::ops::OPERATIONS;
use impasto::planner::Budget;
use impasto::vgg19::{KernelOverride, Kernels};

/// The variable with which tests reach the device that the program opens: see [`GpuOptions::with_switches`]. What it is
/// when the tests are started holds for every device in them, and for the program's.
pub const DEVICE_SWITCHES: &str = "IMPASTO_TEST_DEVICE";

/// A value of that variable for the program: these switches, and those that the tests were started with.
pub fn switches(switches: &str) -> String {
    format!("{switches},{}", std::env::var(DEVICE_SWITCHES).unwrap_or_default())
}

/// Opens a device of its own for a test.
pub fn open(options: GpuOptions) -> Gpu {
    let options = options.with_switches(&switches("")).unwrap();
    Gpu::open(&options).expect("tests need a Vulkan, Metal or DX12 adapter; scripts/test.sh installs one")
}

/// The device that tests run on, opened once: checks everywhere and poisoned memory.
pub fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| open(GpuOptions { paranoid: true, ..Default::default() }))
}

/// The device as users have it: kernels that are proven without checks run without.
pub fn fast_gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| open(GpuOptions::default()))
}

/// A value for `--memory` that leaves `bytes` to a painting on this device, besides what the program itself takes
/// where both share one memory.
pub fn memory_option(bytes: u64) -> String {
    Budget::of(fast_gpu(), None).counted(bytes, 0).to_string()
}

/// Puts a changed kernel into a device's cache under the name of the right one, so that everything
/// that asks for the right one gets the changed one. `right` must occur in the WGSL.
pub fn replace_kernel(gpu: &Gpu, shader: &Shader, right: &str, wrong: &str, overrides: &[(&str, f64)]) {
    assert!(shader.source.contains(right), "{} does not contain {right}", shader.name);
    let source = Box::leak(shader.source.replace(right, wrong).into_boxed_str());
    gpu.kernel(&Shader { source, ..*shader }, overrides).unwrap();
}

/// The naive variants, with these kernel overrides.
pub fn kernels(overrides: &[&str]) -> Kernels {
    let overrides: Vec<KernelOverride> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    Kernels::default().with(&overrides)
}

/// The shader of this name, of the operations.
pub fn shader(name: &str) -> &'static Shader {
    OPERATIONS.iter().flat_map(|operation| (operation.shaders)()).find(|shader| shader.name == name).unwrap()
}

/// The repository: the one that cargo names when it runs the tests, so that they also run in a copy of it, on another
/// machine than that on which they were built.
pub fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// Folder of the golden cases.
pub fn golden() -> PathBuf {
    root().join("tests/golden")
}

/// The array of an .npy file of f32: a header whose length is at byte 8, then the numbers.
pub fn npy(path: &std::path::Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[header..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// Runs `body`, the test of this name, in a process of its own, whose memory and children are those of no other test.
/// That process is this binary once more, which then meets the variable that says so.
pub fn alone(test: &str, body: impl FnOnce()) {
    if std::env::var_os("IMPASTO_TEST_ALONE").is_some() {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args([test, "--exact"]).env("IMPASTO_TEST_ALONE", "yes").output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(output.status.success() && text.contains("1 passed"), "{test} in a process of its own: {text}");
}

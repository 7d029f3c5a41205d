//! A small profile for tests.

use crate::gpu::{Clock, PassKind};
use crate::profiler::{Device, KernelLine, Memory, Profile, Roofs, Spread, Totals, Workload};

/// A kernel whose time has a spread of ±10%.
pub fn line(pass: PassKind, layer: &str, kernel: &str, milliseconds: f64) -> KernelLine {
    let median = milliseconds * 1e-3;
    KernelLine {
        pass,
        layer: layer.into(),
        kernel: kernel.into(),
        launches: 1,
        workgroups: 128,
        on_matrix_units: false,
        flops: 5e7,
        direct_flops: 1e8,
        bytes: 1e6,
        seconds: Spread { low: 0.9 * median, median, high: 1.1 * median },
        share: 0.5,
    }
}

/// Two kernels and a copy, on a device of 100 GFLOP/s and 10 GB/s.
pub fn profile() -> Profile {
    let milli = |ms: f64| Spread { low: ms * 0.9e-3, median: ms * 1e-3, high: ms * 1.1e-3 };
    let copy = KernelLine {
        flops: 0.0,
        direct_flops: 0.0,
        workgroups: 0,
        ..line(PassKind::Forward, "conv1_2", "copy/texture", 0.5)
    };
    Profile {
        format: Profile::FORMAT,
        version: "0".into(),
        device: Device { name: "Card".into(), backend: "Vulkan".into(), driver: "driver 1".into() },
        workload: Workload {
            what: "loss and gradient".into(),
            width: 64,
            height: 48,
            kernels: "conv tiled; gram tiled".into(),
            evaluations: 3,
        },
        clock: Clock::Timestamps,
        roofs: Roofs { gflops: 100.0, gbytes: 10.0, matrix_gflops: None },
        kernels: vec![
            line(PassKind::Forward, "conv1_1", "conv/2_tiled", 1.0),
            copy,
            line(PassKind::Backward, "conv1_1", "conv/2_tiled", 2.0),
        ],
        totals: Totals { kernels: milli(3.5), gpu: milli(3.6), wall: milli(4.0) },
        memory: Memory { by_use: [("weights".to_string(), 1 << 20)].into(), total: 1 << 20, peak: 2 << 20 },
    }
}

//! The roof of the matrix units: the loop does the operations that are counted, its matrices replaced by loops where there
//! are no such units.

use crate::common;
use impasto::gpu::{Gpu, GpuOptions, Shader, Shape, Use};
use impasto::ops::case::distance;
use impasto::profiler::{Roofs, SHADERS, matrix_products};

const ROUNDS: u32 = 3;
const WORKGROUPS: u32 = 2;
/// Pairs of matrices that a subgroup multiplies, and subgroups of a workgroup.
const PAIRS: usize = 16;
const SUBGROUPS: usize = 4;

/// A device that computes matrices in loops, with the kernel's text after `change`.
fn emulating_gpu(change: impl Fn(&str) -> String) -> Gpu {
    let shader = SHADERS.into_iter().find(|shader| shader.name == "roofline/matrix").unwrap();
    let source = Box::leak(change(shader.source).into_boxed_str());
    let gpu = common::open(GpuOptions { emulate_matrices: true, paranoid: true, ..Default::default() });
    gpu.kernel(&Shader { source, ..shader }, &[]).unwrap();
    gpu
}

/// The numbers that the kernel multiplies.
fn element(index: usize) -> f64 {
    (index * 7 % 16) as f64 / 16.0 - 0.5
}

/// What every subgroup writes.
fn reference() -> Vec<f64> {
    let a = |row: usize, k: usize| element(row * 24 + k + (row * 24 + k) / 16);
    let b = |k: usize, column: usize| element(k * 72 + column + (k * 72 + column) / 8);
    let sum = |row: usize, column: usize| (0..16).map(|k| a(row, k) * b(k, column)).sum::<f64>();
    let pairs =
        (0..PAIRS).flat_map(|pair| (0..256).map(move |i| (pair / 4 * 16 + i / 16, pair % 4 * 16 + i % 16)));
    pairs.map(|(row, column)| f64::from(ROUNDS) * sum(row, column)).collect()
}

/// How far the sums are from the reference.
fn error(gpu: &Gpu) -> f64 {
    let numbers = WORKGROUPS as usize * SUBGROUPS * PAIRS * 256;
    let sums = gpu.tensor(Shape::planar(1, 1, numbers as u32), Use::Scratch, "sums").unwrap();
    let recording = matrix_products(gpu, &sums, ROUNDS).unwrap();
    let timings = gpu.timed(&[&recording]).unwrap();
    // As many as the loops below do.
    let counted = 2.0 * (numbers * 16) as f64 * f64::from(ROUNDS);
    assert_eq!(timings[0].work.flops, counted);
    let want: Vec<f64> =
        std::iter::repeat_n(reference(), WORKGROUPS as usize * SUBGROUPS).flatten().collect();
    distance(&gpu.read(&sums).unwrap(), &want)
}

#[test]
fn it_does_the_operations_that_are_counted() {
    let error = error(&emulating_gpu(str::to_string));
    assert!(error < 1e-6, "off by {error:.1e}");
}

#[test]
fn a_loop_that_leaves_out_products_is_seen() {
    let left_out = "c21 = coopMultiplyAdd(a2, b1, c21);";
    let gpu = emulating_gpu(|source| {
        assert!(source.contains(left_out));
        source.replace(left_out, "")
    });
    assert!(error(&gpu) > 1e-2);
}

/// Only a device with such units has such a roof, and there it is higher than that of plain arithmetic.
#[test]
fn the_roof_is_that_of_devices_with_matrix_units() {
    let gpu = common::fast_gpu();
    let roofs = Roofs::measure(gpu).unwrap();
    match gpu.adapter().cooperative_matrices.iter().any(|shape| shape.starts_with("16x16x16")) {
        false => assert_eq!(roofs.matrix_gflops, None),
        true => assert!(roofs.matrix_gflops.is_none_or(|gflops| gflops > roofs.gflops), "{roofs:?}"),
    }
    assert!(roofs.gflops > 0.0 && roofs.gbytes > 0.0, "{roofs:?}");
}

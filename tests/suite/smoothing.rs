//! Smoothed steps of L-BFGS, on the device and on the host, against plain L-BFGS in f64 on another variable.

use crate::common;
use crate::optim::{Bench, add, bowl, dot, host_step, lbfgs};
use impasto::gpu::Shape;
use impasto::ops::case::{distance, numbers, to_f32};
use impasto::optim::{HostOptimizer, Method, Pairs};

/// One plane of the matrix S of `lbfgs/smooth.wgsl`, dense. Each tap beyond an edge is put where the mirrored image has it.
fn smoothing_matrix(height: usize, width: usize, smoothing: f64) -> Vec<Vec<f64>> {
    let n = height * width;
    let mirrored = |k: i64, n: usize| {
        let k = k.rem_euclid(2 * n as i64) as usize;
        if k < n { k } else { 2 * n - 1 - k }
    };
    let mut matrix = vec![vec![0.0; n]; n];
    for (i, row) in matrix.iter_mut().enumerate() {
        row[i] = 1.0 - smoothing;
        for (dy, a) in (-2..).zip([1.0, 4.0, 6.0, 4.0, 1.0]) {
            for (dx, b) in (-2..).zip([1.0, 4.0, 6.0, 4.0, 1.0]) {
                let y = mirrored((i / width) as i64 + dy, height);
                let x = mirrored((i % width) as i64 + dx, width);
                row[y * width + x] += smoothing * a * b / 256.0;
            }
        }
    }
    matrix
}

/// The product of a matrix with each plane of `values`.
fn times(matrix: &[Vec<f64>], values: &[f64]) -> Vec<f64> {
    values.chunks(matrix.len()).flat_map(|plane| matrix.iter().map(move |row| dot(row, plane))).collect()
}

/// Where the method is after seven steps on the host and on the device, and where L-BFGS on z is for x = x_0 + S z.
fn smoothed_runs(shape: Shape, smoothing: f32, matrix: &[Vec<f64>]) -> [Vec<f64>; 3] {
    let method = Method::Lbfgs { lr: 1.0, history: 4, smoothing };
    let start = numbers(9, shape.len());
    let bench = Bench::of_shape(common::gpu(), method, shape, &start);
    let mut host = HostOptimizer::new(method, shape, &to_f32(&start), Pairs::Single).unwrap();
    let transposed: Vec<Vec<f64>> =
        (0..matrix.len()).map(|j| matrix.iter().map(|row| row[j]).collect()).collect();
    let (mut z, mut reference) = (vec![0.0; start.len()], lbfgs(1.0, 4));
    let image = |z: &[f64]| {
        let mut x = start.clone();
        add(&mut x, 1.0, &times(matrix, z));
        x
    };
    for _ in 0..7 {
        bench.step();
        host_step(&mut host);
        z = reference(&z, &times(&transposed, &bowl(&image(&z)).1));
    }
    [bench.x(), host.x().iter().map(|x| f64::from(*x)).collect(), image(&z)]
}

#[test]
fn smoothing_is_lbfgs_on_another_variable() {
    for (channels, height, width) in [(1, 1, 1), (3, 1, 2), (2, 2, 9), (3, 5, 7), (1, 3, 3), (3, 11, 13)] {
        let shape = Shape::planar(channels, height, width);
        for smoothing in [0.0, 0.5, 0.9] {
            let matrix = smoothing_matrix(height as usize, width as usize, f64::from(smoothing));
            let [device, host, want] = smoothed_runs(shape, smoothing, &matrix);
            for (what, x) in [("device", device), ("host", host)] {
                let error = distance(&to_f32(&x), &want);
                assert!(error < 1e-3, "{what}, {shape:?}, smoothing {smoothing}: off by {error:.1e}");
            }
        }
    }
    let other = smoothing_matrix(5, 7, 0.8);
    let [device, host, want] = smoothed_runs(Shape::planar(3, 5, 7), 0.9, &other);
    assert!([device, host].iter().all(|x| distance(&to_f32(x), &want) > 1e-3), "a wrong one is seen");
}

#[test]
fn no_step_is_taken_after_a_divergence_with_smoothing() {
    let method = Method::Lbfgs { lr: 1.0, history: 4, smoothing: 0.9 };
    let shape = Shape::planar(3, 5, 7);
    let bench = Bench::of_shape(common::gpu(), method, shape, &numbers(9, shape.len()));
    for _ in 0..3 {
        bench.step();
    }
    let best = bench.read(bench.optimizer.guard().best());
    bench.update(f64::NAN, &vec![0.0; shape.len()]);
    assert_eq!(bench.x(), best);
}

//! The kernel for matrix units, where there are none: its matrices are replaced by loops, so that all
//! the rest of it (what is loaded, how it lies in workgroup memory, what is written) is checked.

use std::sync::Arc;

use crate::common;
use impasto::gpu::{Gpu, Precision, Shader, Shape, Use};
use impasto::graph::{Graph, Request};
use impasto::ops::case::{distance, numbers, to_f32};
use impasto::ops::variants::{TunedOp, VARIANTS};
use impasto::ops::{Conv, PackedWeights};

/// A lane holds eight elements of C: half a row of 16. A and B stay in workgroup memory.
const MATRICES: &str = "
    alias Sums = array<f32, 8>;
    var<private> lane_of_subgroup: u32;

    fn multiply_add(a: u32, b: u32, c: Sums) -> Sums {
        var sums = c;
        let row = a + lane_of_subgroup / 2u * SRC_ROW;
        let column = b + lane_of_subgroup % 2u * 8u;
        for (var k = 0u; k < 16u; k++) {
            for (var i = 0u; i < 8u; i++) {
                sums[i] += tile_src[row + k] * tile_weights[column + k * WEIGHTS_ROW + i];
            }
        }
        return sums;
    }

    fn store_sums(c: Sums, corner: u32) {
        var sums = c;
        for (var i = 0u; i < 8u; i++) {
            results[corner + lane_of_subgroup / 2u * RESULT_ROW + lane_of_subgroup % 2u * 8u + i] = sums[i];
        }
    }
";

/// The kernel's text with loops for matrices, f32 for f16, and 32 invocations for a subgroup.
fn emulated(source: &str) -> String {
    let pairs = [
        ("enable f16;\n", ""),
        ("enable wgpu_cooperative_matrix;\n", ""),
        ("alias Inputs = coop_mat16x16<f16, A>;\n", ""),
        ("alias Weights = coop_mat16x16<f16, B>;\n", ""),
        ("alias Sums = coop_mat16x16<f32, C>;\n", MATRICES),
        ("coopLoadT<Inputs>(&tile_src[", "("),
        ("], SRC_ROW)", ")"),
        ("coopLoadT<Weights>(&tile_weights[", "("),
        ("], WEIGHTS_ROW)", ")"),
        ("coopStoreT(sums, &results[corner], RESULT_ROW)", "store_sums(sums, corner)"),
        ("coopMultiplyAdd", "multiply_add"),
        ("f16>", "f32>"),
        ("array<f16", "array<f32"),
        ("    @builtin(subgroup_id) subgroup: u32,\n", ""),
        ("    @builtin(subgroup_invocation_id) lane: u32,\n", ""),
        (
            "    let steps =",
            "    let subgroup = index / 32u; let lane = index % 32u; lane_of_subgroup = lane;\n    let steps =",
        ),
    ];
    pairs.iter().fold(source.to_string(), |text, (from, to)| {
        assert!(text.contains(from), "conv/5_cooperative does not contain {from}");
        text.replace(from, to)
    })
}

/// The forward pass of a convolution with ReLU.
fn forward(gpu: &Gpu, variant: &str, channels: [u32; 2], size: [u32; 2], taps: u32) -> Vec<f32> {
    let x = to_f32(&numbers(1, (channels[1] * size[0] * size[1]) as usize));
    forward_of(gpu, variant, channels, size, taps, &x)
}

fn forward_of(
    gpu: &Gpu,
    variant: &str,
    channels: [u32; 2],
    size: [u32; 2],
    taps: u32,
    x: &[f32],
) -> Vec<f32> {
    let [outs, ins] = channels;
    let shape = Shape::blocked(ins, size[0], size[1]);
    let x = gpu.upload(shape, x, Use::Activations, "x").unwrap();
    let weight = to_f32(&numbers(2, (outs * ins * taps) as usize));
    let bias = to_f32(&numbers(3, outs as usize));
    let variant = TunedOp::Conv3x3.variant(variant).unwrap();
    let weights = PackedWeights::new(gpu, variant, Precision::F32, &weight, &bias, channels).unwrap();
    let mut graph = Graph::new();
    let leaf = graph.leaf("x", shape);
    let node = graph.apply("conv", Box::new(Conv::new(Arc::new(weights), true)), &[leaf]);
    let plan = graph.plan(Request { keep: vec![node], ..Request::default() });
    let program = graph.compile(gpu, &plan, &[(leaf, x)]).unwrap();
    gpu.submit(&[&program.forward]).unwrap();
    gpu.read(program.value(node)).unwrap()
}

/// A device with the emulated kernel, after `change`, in place of the real one.
fn emulating_gpu(change: impl Fn(String) -> String) -> Gpu {
    let shader = common::shader("conv/5_cooperative");
    let source = Box::leak(change(emulated(shader.source)).into_boxed_str());
    let gpu = common::open(impasto::gpu::GpuOptions { paranoid: true, ..Default::default() });
    for taps in [1.0, 9.0] {
        let overrides = [("TAPS", taps), ("TRANSPOSED", 0.0), ("RELU", 1.0), ("ACCUMULATE", 0.0)];
        gpu.kernel(&Shader { source, ..*shader }, &overrides).unwrap();
    }
    gpu
}

/// How far the emulated kernel is from the definition, after `change`.
fn error(change: impl Fn(String) -> String) -> f64 {
    let gpu = emulating_gpu(change);
    let shapes =
        [([37, 5], [1, 1], 9), ([70, 33], [9, 17], 9), ([64, 16], [16, 8], 1), ([5, 65], [3, 50], 1)];
    let mut worst: f64 = 0.0;
    for (channels, size, taps) in shapes {
        let want: Vec<f64> =
            forward(&gpu, "naive", channels, size, taps).iter().map(|value| f64::from(*value)).collect();
        let got = forward(&gpu, "cooperative", channels, size, taps);
        worst = worst.max(distance(&got, &want));
    }
    worst
}

#[test]
fn with_its_matrices_emulated_it_agrees_with_the_definition() {
    let error = error(|source| source);
    assert!(error < 1e-5, "off by {error:.1e}");
}

#[test]
fn the_emulation_sees_a_wrong_matrix() {
    let error = error(|source| source.replace("c31 = multiply_add(a3", "c31 = multiply_add(a2"));
    assert!(error > 1e-2, "a wrong kernel passed");
}

/// On their way to f16 numbers are held within its range, but a fault is not.
#[test]
fn infinity_reaches_the_result_and_large_numbers_saturate() {
    let gpu = emulating_gpu(|source| source);
    let first = |x: f32| {
        let image = [vec![x; 1], vec![0.0; 15]].concat();
        let out = forward_of(&gpu, "cooperative", [1, 16], [1, 1], 1, &image);
        out[0]
    };
    let weight = numbers(2, 1)[0] as f32;
    assert!(first(f32::INFINITY.copysign(weight)) == f32::INFINITY);
    assert!(first(1e9 * weight.signum()).is_finite());
}

/// f16 is for those who ask for it, and for adapters that list the shape.
#[test]
fn it_is_known_for_its_precision_and_refused_without_matrix_units() {
    let gpu = common::gpu();
    let cooperative = TunedOp::Conv3x3.variant("cooperative").unwrap();
    let rounding: Vec<_> = VARIANTS.iter().filter(|variant| variant.rounds_to_f16()).collect();
    assert_eq!(rounding, [cooperative]);
    if gpu.adapter().cooperative_matrices.is_empty() {
        assert!(cooperative.missing(gpu).unwrap().contains("matrix units"));
    }
}

//! Storage in f16 and bf16 on the device: what is kept of every kind of number.

use half::{bf16, f16};
use impasto::gpu::{Precision, Recording, Shader, Shape, Use};
use impasto::ops::case::{numbers, to_f32};
use impasto::profiler;

use crate::common;

const HALVES: [Precision; 2] = [Precision::F16, Precision::Bf16];

/// The largest finite number of f16.
const F16_MAX: f32 = 65504.0;

/// Numbers as a kernel reads them back after a kernel stored them in `precision`.
fn stored(precision: Precision, values: &[f32]) -> Vec<f32> {
    let gpu = common::gpu();
    let shape = Shape::planar(1, 1, values.len() as u32);
    let src = gpu.upload(shape, values, Use::Activations, "src").unwrap();
    let half = gpu.tensor(shape.stored_in(precision), Use::Activations, "half").unwrap();
    let dst = gpu.tensor(shape, Use::Activations, "dst").unwrap();
    let copy = profiler::SHADERS.iter().find(|shader| shader.name == "roofline/copy").unwrap();
    let kernel = gpu.kernel(copy, &[]).unwrap();
    let mut recording = Recording::new(gpu);
    for (from, to) in [(&src, &half), (&half, &dst)] {
        recording
            .launch(&kernel, "copy")
            .bind("src", from)
            .bind("dst", to)
            .elements(shape.vectors())
            .unwrap();
    }
    gpu.submit(&[&recording]).unwrap();
    gpu.read(&dst).unwrap()
}

/// Numbers as a kernel reads them from a texture of `precision`.
fn fetched(precision: Precision, values: &[f32]) -> Vec<f32> {
    let gpu = common::gpu();
    let source = "
        @group(0) @binding(0) var src: texture_storage_2d<rgba32float, read>;
        @group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;

        @compute @workgroup_size(64)
        fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if id.x < arrayLength(&dst) {
                dst[id.x] = textureLoad(src, vec2(id.x & 4095u, id.x >> 12u));
            }
        }";
    let shape = Shape::planar(1, 1, values.len() as u32);
    let mut packed = values.to_vec();
    packed.resize(values.len().next_multiple_of(4), 0.0);
    let texture = gpu.upload_texture(&packed, precision, Use::Activations, "texture").unwrap();
    let dst = gpu.tensor(shape, Use::Activations, "dst").unwrap();
    let kernel = gpu.kernel(&Shader { name: "test/texels", source, unchecked: false }, &[]).unwrap();
    let mut recording = Recording::new(gpu);
    let launch = recording.launch(&kernel, "texels").bind_texture("src", &texture).bind("dst", &dst);
    launch.elements(shape.vectors()).unwrap();
    gpu.submit(&[&recording]).unwrap();
    gpu.read(&dst).unwrap()
}

/// Quiet and signalling NaN of both signs. Some payloads lie in the half of the bits that bf16 drops, some reach
/// into the bits that f16 keeps; all ones is what NVIDIA's GPUs make.
fn nans() -> Vec<f32> {
    const QUIET: u32 = 0x40_0000;
    let payloads = [0, 1, 0x1fff, 0x2000, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x20_0000, 0x3f_ffff];
    let bits = payloads.into_iter().flat_map(|payload| [payload, payload | QUIET]);
    // Without any payload it is infinity.
    let bits = bits.filter(|payload| *payload != 0).flat_map(|payload| [payload, payload | 0x8000_0000]);
    bits.map(|bits| f32::from_bits(bits | 0x7f80_0000)).collect()
}

#[test]
fn every_nan_stays_nan() {
    let nans = nans();
    assert!(nans.iter().all(|x| x.is_nan()) && nans.iter().any(|x| x.to_bits() == 0x7fff_ffff));
    for precision in HALVES {
        for (x, y) in nans.iter().zip(stored(precision, &nans)) {
            assert!(y.is_nan(), "{precision:?}: {:#x} became {y}", x.to_bits());
        }
        assert!(fetched(precision, &nans).iter().all(|y| y.is_nan()), "{precision:?}");
    }
}

#[test]
fn infinity_stays_and_what_is_too_large_for_f16_becomes_its_largest() {
    let infinite = [f32::INFINITY, f32::NEG_INFINITY];
    for precision in HALVES {
        assert_eq!(stored(precision, &infinite), infinite);
        assert_eq!(fetched(precision, &infinite), infinite);
    }
    let large = [65505.0, -65520.0, 1e5, -1e30, f32::MAX, f32::MIN];
    let most = large.map(|x: f32| F16_MAX.copysign(x));
    assert_eq!(stored(Precision::F16, &large), most);
    assert_eq!(fetched(Precision::F16, &large), most);
    // bf16 has the range of f32; the last number of f32 rounds up to infinity.
    assert_eq!(stored(Precision::Bf16, &[1e38, f32::MAX])[1], f32::INFINITY);
}

/// A device may take a number for zero that is smaller than the normal ones of its format.
fn same_or_flushed(x: f32, y: f32, least_normal: f32) -> bool {
    x.to_bits() == y.to_bits() || (x.abs() < least_normal && y == 0.0)
}

#[test]
fn every_finite_number_of_a_format_is_kept() {
    let f16s: Vec<f32> = (0..=u16::MAX).map(|bits| f16::from_bits(bits).to_f32()).collect();
    let bf16s: Vec<f32> = (0..=u16::MAX).map(|bits| bf16::from_bits(bits).to_f32()).collect();
    let formats =
        [(Precision::F16, f16s, f16::MIN_POSITIVE.to_f32()), (Precision::Bf16, bf16s, f32::MIN_POSITIVE)];
    for (precision, all, least_normal) in formats {
        let finite: Vec<f32> = all.into_iter().filter(|x| x.is_finite()).collect();
        for read in [stored(precision, &finite), fetched(precision, &finite)] {
            for (x, y) in finite.iter().zip(read) {
                assert!(same_or_flushed(*x, y, least_normal), "{precision:?}: {x:e} became {y:e}");
            }
        }
    }
}

#[test]
fn other_numbers_are_rounded() {
    let values: Vec<f32> = to_f32(&numbers(5, 4000)).iter().map(|x| x * 1e3).collect();
    // f16: to one of its two neighbours, which is what Vulkan asks for. bf16: to the nearer one.
    for (precision, off) in [(Precision::F16, 2f32.powi(-10)), (Precision::Bf16, 2f32.powi(-8))] {
        for (x, y) in values.iter().zip(stored(precision, &values)) {
            assert!((x - y).abs() <= off * x.abs(), "{precision:?}: {x} became {y}");
        }
    }
    let tiny = [1e-41, -1e-42, 1e-30];
    assert_eq!(stored(Precision::F16, &tiny), [0.0; 3]);
}

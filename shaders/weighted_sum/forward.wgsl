// Weighted sum of up to seven terms: dst = weight_0 * term_0 + ... (+ dst).
//
// The terms are losses, one number each, or the Gram matrices of a layer's bands. A launch takes some microseconds on a GPU
// whatever it does, so one takes all the terms that the default limit of eight storage buffers leaves room for; a longer sum
// takes more launches, and adds. Bindings from TERMS on are not read. A launch a term took 66 us an evaluation on an H200 (27
// November 2026), thirteen launches; two take 13.
//
// Launch: one invocation a vec4; padding stays zero.
// Reads:  16 bytes a vec4 and term, and writes 16.

#import shared/grid

override TERMS: u32 = 1u;
override ACCUMULATE: bool = false;

struct Params {
    weight0: f32, weight1: f32, weight2: f32, weight3: f32, weight4: f32, weight5: f32, weight6: f32,
}

@group(0) @binding(0) var<storage, read> term0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> term1: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> term2: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> term3: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> term4: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> term5: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> term6: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> dst: array<vec4<f32>>;
@group(0) @binding(8) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&dst) {
        return;
    }
    var sum = params.weight0 * term0[i];
    if TERMS > 1u { sum += params.weight1 * term1[i]; }
    if TERMS > 2u { sum += params.weight2 * term2[i]; }
    if TERMS > 3u { sum += params.weight3 * term3[i]; }
    if TERMS > 4u { sum += params.weight4 * term4[i]; }
    if TERMS > 5u { sum += params.weight5 * term5[i]; }
    if TERMS > 6u { sum += params.weight6 * term6[i]; }
    if ACCUMULATE {
        sum += dst[i];
    }
    dst[i] = sum;
}

// Weighted sum backward: the gradients of up to seven terms, d_term_k = weight_k * d_total (+ d_term_k).
//
// As in weighted_sum/forward, one launch serves many terms. Bit k of `accumulate` is set if term k has other consumers,
// whose gradients are summed. Bindings from TERMS on are not written.
//
// Launch: one invocation a vec4; padding stays zero.
// Reads:  16 bytes a vec4, and writes 16 for each term.

#import shared/grid

override TERMS: u32 = 1u;

struct Params {
    weight0: f32, weight1: f32, weight2: f32, weight3: f32, weight4: f32, weight5: f32, weight6: f32,
    accumulate: u32,
}

@group(0) @binding(0) var<storage, read> d_total: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> d_term0: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> d_term1: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> d_term2: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> d_term3: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> d_term4: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> d_term5: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> d_term6: array<vec4<f32>>;
@group(0) @binding(8) var<uniform> params: Params;

// What of the gradient so far counts.
fn so_far(term: u32, gradient: vec4<f32>) -> vec4<f32> {
    return select(vec4(0.0), gradient, ((params.accumulate >> term) & 1u) == 1u);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&d_total) {
        return;
    }
    let d = d_total[i];
    d_term0[i] = params.weight0 * d + so_far(0u, d_term0[i]);
    if TERMS > 1u { d_term1[i] = params.weight1 * d + so_far(1u, d_term1[i]); }
    if TERMS > 2u { d_term2[i] = params.weight2 * d + so_far(2u, d_term2[i]); }
    if TERMS > 3u { d_term3[i] = params.weight3 * d + so_far(3u, d_term3[i]); }
    if TERMS > 4u { d_term4[i] = params.weight4 * d + so_far(4u, d_term4[i]); }
    if TERMS > 5u { d_term5[i] = params.weight5 * d + so_far(5u, d_term5[i]); }
    if TERMS > 6u { d_term6[i] = params.weight6 * d + so_far(6u, d_term6[i]); }
}

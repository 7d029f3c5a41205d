// One term of a weighted sum, or its derivative: dst = weight * src (+ dst).
//
// Forward, one dispatch for each term adds weight * term to the total. Backward, the gradient of the term is weight * (the
// gradient of the total). The terms are losses, one number each, or the Gram matrices of a layer's bands. One invocation a
// vec4; padding stays zero.

#import shared/grid

override ACCUMULATE: bool = false;

struct Params { weight: f32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&dst) {
        return;
    }
    var value = params.weight * src[i];
    if ACCUMULATE {
        value += dst[i];
    }
    dst[i] = value;
}

// normalize/forward backward: d_src[channel(k)] = scale[k] * d_dst[k].
//
// Launch: one invocation an element of d_src, including the padding at the end, which gets 0.
// Reads:  4 bytes an element, and writes 4.

#import shared/grid

// Add to d_src, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

struct Params {
    positions: u32,
    reversed: u32,
    scale0: f32, scale1: f32, scale2: f32,
}

@group(0) @binding(0) var<storage, read> d_dst: array<vec4<f32>>;  // [height][width]
@group(0) @binding(1) var<storage, read_write> d_src: array<f32>;  // [3][height][width], padded to 4
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&d_src) {
        return;
    }
    let channel = i / params.positions;
    var d = 0.0;
    if channel < 3u {
        let k = select(channel, 2u - channel, params.reversed == 1u);
        let scale = vec3(params.scale0, params.scale1, params.scale2);
        d = scale[k] * d_dst[i % params.positions][k];
    }
    if ACCUMULATE {
        d += d_src[i];
    }
    d_src[i] = d;
}

// Input normalisation: from the variable, which is optimised, to the input of the network.
//
//   dst[k] = scale[k] * src[channel(k)] + offset[k]   for the network's channel k = 0, 1, 2
//
// src is B, G, R in 0..255 minus the ImageNet mean, [3][height][width]. A network in the original (Caffe) convention has
// the same input: scale 1, offset 0. One in torchvision's convention has R, G, B in 0..1, minus a mean, over a standard
// deviation: reversed channels with a scale and an offset. dst is blocked: one vec4 a position, its fourth channel 0.
//
// Launch: one invocation a position.
// Reads:  12 bytes a position, and writes 16.

#import shared/grid

struct Params {
    positions: u32,
    reversed: u32,  // 1: channel(k) = 2 - k
    scale0: f32, scale1: f32, scale2: f32,
    offset0: f32, offset1: f32, offset2: f32,
}

@group(0) @binding(0) var<storage, read> src: array<f32>;
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= params.positions {
        return;
    }
    let bgr = vec3(src[i], src[params.positions + i], src[2u * params.positions + i]);
    let ordered = select(bgr, bgr.zyx, params.reversed == 1u);
    let scale = vec3(params.scale0, params.scale1, params.scale2);
    let offset = vec3(params.offset0, params.offset1, params.offset2);
    dst[i] = vec4(scale * ordered + offset, 0.0);
}

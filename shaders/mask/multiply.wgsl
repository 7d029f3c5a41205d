// Features times a mask: dst[c][p] (+)= mask[p] * src[c][p], for every map c and position p.
//
// The mask has one value a position for all maps, so the vec4 of a block of four channels has one factor. Gram matrices
// of masked features restrict the style term to a region (Gatys et al. 2017, arXiv:1611.07865, section 3). The mask is a
// constant, so the backward pass is the same kernel, from d_dst to d_src.
//
// Launch: one invocation a vec4, in workgroups of 64.
// Reads:  20 bytes a vec4, and writes 16.

#import shared/grid

// Add to dst, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

struct Params { positions: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;  // [channels / 4][height][width]
@group(0) @binding(1) var<storage, read> weights: array<f32>;    // [height][width]
@group(0) @binding(2) var<storage, read_write> dst: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i < arrayLength(&dst) {
        var product = weights[i % params.positions] * src[i];
        if ACCUMULATE {
            product += dst[i];
        }
        dst[i] = product;
    }
}

// Scales a gradient to a given L1 norm: d_src (+)= strength * d_dst / (norm + floor).
//
// norm is one number, the L1 norm of d_dst (l1_gradient/norm, then reduce/sum). floor keeps a gradient of zeros at zero.
//
// Launch: one invocation a vec4, in workgroups of 64.
// Reads:  16 bytes a vec4, and writes 16.

#import shared/grid

// Add to d_src, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

struct Params { strength: f32, floor: f32 }

@group(0) @binding(0) var<storage, read> d_dst: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> norm: array<f32>;
@group(0) @binding(2) var<storage, read_write> d_src: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i < arrayLength(&d_src) {
        var d = params.strength / (norm[0] + params.floor) * d_dst[i];
        if ACCUMULATE {
            d += d_src[i];
        }
        d_src[i] = d;
    }
}

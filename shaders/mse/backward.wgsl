// Squared error backward: d_src = d_loss * 2 / n * (src - target), with scale = 2 / n.
//
// d_loss is one number, the weight of this loss in the total.
//
// Launch: one invocation a vec4, in workgroups of 64.
// Reads:  32 bytes a vec4, and writes 16.

#import shared/grid

// Add to d_src, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

struct Params { scale: f32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> target_values: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> d_loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_src: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i < arrayLength(&d_src) {
        var d = d_loss[0] * params.scale * (src[i] - target_values[i]);
        if ACCUMULATE {
            d += d_src[i];
        }
        d_src[i] = d;
    }
}

// ReLU backward: the derivative passes where the output is above zero and stops elsewhere,
//
//   d_src = d_dst where dst > 0, else 0.
//
// Reading the output instead of the input lets the forward pass run in place or fused. At exactly
// zero the derivative is taken as 0, as PyTorch does.
//
// Launch: one invocation a vec4, in workgroups of 64.
// Reads:  32 bytes a vec4, and writes 16: memory bounds it.

#import shared/grid

// Add to d_src, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

@group(0) @binding(0) var<storage, read> dst: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> d_dst: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> d_src: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i < arrayLength(&d_src) {
        var d = select(vec4(0.0), d_dst[i], dst[i] > vec4(0.0));
        if ACCUMULATE {
            d += d_src[i];
        }
        d_src[i] = d;
    }
}

// ReLU backward in place: d_dst becomes 0 wherever the output dst is not above zero.
//
// For a convolution with a fused ReLU: turns the gradient of its output into that of the sum before the ReLU, which the
// transposed convolution then reads.
//
// Launch: one invocation a vec4, in workgroups of 64.
// Reads:  32 bytes a vec4, and writes 16.

#import shared/grid

@group(0) @binding(0) var<storage, read> dst: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> d_dst: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i < arrayLength(&d_dst) {
        d_dst[i] = select(vec4(0.0), d_dst[i], dst[i] > vec4(0.0));
    }
}

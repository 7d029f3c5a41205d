// ReLU: dst = max(src, 0), elementwise.
//
// The network has the ReLU fused into the convolution's epilogue (override RELU there); this kernel is for graphs where it
// is an operation of its own.
//
// Launch: one invocation a vec4, in workgroups of 64.
// Reads:  16 bytes a vec4, and writes 16, for four comparisons: it runs at the speed of a copy.

#import shared/grid

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i < arrayLength(&dst) {
        dst[i] = max(src[i], vec4(0.0));
    }
}

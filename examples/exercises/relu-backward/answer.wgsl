// op: relu, backward
//
// Answer: the derivative of max(x, 0) is 1 where the output is above zero, and 0 elsewhere. Where ACCUMULATE is true, another
// consumer has written a gradient before.

#import shared/grid

override ACCUMULATE: bool = false;

@group(0) @binding(0) var<storage, read> dst: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> d_dst: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> d_src: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i < arrayLength(&dst) {
        var d = select(vec4(0.0), d_dst[i], dst[i] > vec4(0.0));
        if ACCUMULATE {
            d += d_src[i];
        }
        d_src[i] = d;
    }
}

// op: relu
//
// Exercise: make negative numbers zero. This kernel copies. Four numbers are a vec4, and max(a, b) of two vec4 compares
// component by component.

#import shared/grid

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i < arrayLength(&dst) {
        dst[i] = src[i];
    }
}

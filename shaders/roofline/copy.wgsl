// The roof of memory: dst = src, as fast as the device can read and write.
//
// Neighbouring invocations take neighbouring vec4, so each access of a subgroup is one contiguous run of bytes. Four of
// them an invocation, a whole grid apart, keep several loads in flight. A kernel that does only a few operations a number
// is at best as fast as this one.
// Launch: an invocation takes every (64 * workgroups)-th vec4.
// Reads:  src once, and writes dst once. Both are larger than the caches; otherwise this would measure the caches.

#import shared/grid

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let step = grid.x * grid.y * 64u;
    for (var i = linear_index(group, grid, local, 64u); i < arrayLength(&dst); i += step) {
        dst[i] = src[i];
    }
}

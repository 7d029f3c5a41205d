// The largest magnitude, rung 3: more work for each barrier.
//
// The formula is in 1_atomics, the tree in 2_tree. An invocation loads four vec4, 16 numbers, before the tree begins.
// Neighbours load neighbouring vec4, and the four loads do not depend on each other, so they are all on their way at
// once.
//
// Launch: workgroups of 256; each invocation takes 16 numbers, a workgroup 4096 in a row.
// Reads:  4 bytes a number from memory in loads of 16 bytes, 0.75 from workgroup memory; one atomic access for 4096
//         numbers. Memory is now what takes the time: 16 million numbers are 16 us at 4 TB/s.
// Costs:  1 KiB of workgroup memory; nine barriers for 16 numbers of each invocation.
// Next:   4_subgroups needs two barriers instead of nine.

#import shared/grid

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;  // zeros behind the last number
@group(0) @binding(1) var<storage, read_write> dst: array<atomic<u32>>;  // one number
@group(0) @binding(2) var<uniform> params: Params;

// Numbers that a workgroup takes.
const SHARE = 4096u;

#import shared/largest_vector
#import shared/largest_tree

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, 0u, SHARE) / 4u + local;
    let largest = largest_of_workgroup(largest_of_four(i), local);
    if local == 0u {
        atomicMax(&dst[0], largest);
    }
}

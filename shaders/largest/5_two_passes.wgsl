// The largest magnitude, rung 5: two passes, and no atomics at all.
//
// The formula is in 1_atomics. There are at most 192 workgroups, whatever the number of elements: each takes every 192nd
// piece of 4096 numbers, keeps the largest in a register, and writes one partial result. Workgroups of one dispatch
// cannot wait for each other, so a second dispatch, of one workgroup, takes the largest of these: largest/5_second_pass.
// Nothing depends on the order in which workgroups run. So this is also how floats are summed, with a result that is the
// same to the bit each time: see reduce/sum.
//
// Launch: up to 192 workgroups of 256; then largest/5_second_pass.
// Reads:  4 bytes a number, and 768 bytes of partial results. The trees cost 192 times nine barriers, whatever the size.
// Costs:  1 KiB of workgroup memory, and a second dispatch, some microseconds: it pays where there are many numbers.
// Next:   reduce/largest does the same in paintings, and leaves the second pass to the kernels that read its results.

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;  // zeros behind the last number
@group(0) @binding(1) var<storage, read_write> dst: array<u32>;  // [workgroups]
@group(0) @binding(2) var<uniform> params: Params;

// Numbers that a workgroup takes at a time.
const SHARE = 4096u;

#import shared/largest_vector
#import shared/largest_tree

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var most = 0u;
    for (var first = group.x * SHARE; first < params.count; first += grid.x * SHARE) {
        most = max(most, largest_of_four(first / 4u + local));
    }
    let largest = largest_of_workgroup(most, local);
    if local == 0u {
        dst[group.x] = largest;
    }
}

// The largest magnitude, rung 4: subgroups.
//
// The formula is in 1_atomics. The invocations of a subgroup run in step and can read each other's registers, so they
// agree on the largest of their numbers with one instruction, without memory and without a barrier. One of them then
// takes it to a number in workgroup memory.
//
// Launch: workgroups of 256; each invocation takes 16 numbers, a workgroup 4096 in a row.
// Reads:  4 bytes a number from memory; of workgroup memory one atomic access a subgroup; one of memory for 4096 numbers.
// Costs:  two barriers instead of nine, and a feature that not every device has.
// Next:   5_two_passes takes as many workgroups as the device has room for, however many numbers there are.

#import shared/grid

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;  // zeros behind the last number
@group(0) @binding(1) var<storage, read_write> dst: array<atomic<u32>>;  // one number
@group(0) @binding(2) var<uniform> params: Params;

// Numbers that a workgroup takes.
const SHARE = 4096u;

var<workgroup> of_workgroup: atomic<u32>;

#import shared/largest_vector

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) grid: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    if local == 0u {
        atomicStore(&of_workgroup, 0u);
    }
    workgroupBarrier();
    let i = linear_index(group, grid, 0u, SHARE) / 4u + local;
    let most = subgroupMax(largest_of_four(i));
    if lane == 0u {
        atomicMax(&of_workgroup, most);
    }
    workgroupBarrier();
    if local == 0u {
        atomicMax(&dst[0], atomicLoad(&of_workgroup));
    }
}

// op: largest
//
// Exercise: 256 numbers are in workgroup memory. Halve them until the largest is in slot 0. Where must a barrier be?

#import shared/grid

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> src: array<f32>;
@group(0) @binding(1) var<storage, read_write> dst: array<atomic<u32>>;  // one number
@group(0) @binding(2) var<uniform> params: Params;

// Numbers that a workgroup takes.
const SHARE = 256u;

var<workgroup> slots: array<u32, 256>;

fn magnitude(i: u32) -> u32 {
    if i < params.count {
        return bitcast<u32>(abs(src[i]));
    }
    return 0u;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    slots[local] = magnitude(linear_index(group, grid, local, SHARE));
    workgroupBarrier();
    // Here: eight rounds, in each of which the first half of the numbers is compared with the second.
    if local == 0u {
        atomicMax(&dst[0], slots[0]);
    }
}

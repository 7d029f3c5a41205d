// The largest magnitude, rung 2: a tree in workgroup memory.
//
// The formula is in 1_atomics. The 256 invocations of a workgroup put their numbers in workgroup memory and halve them:
// in each round the first half compares its numbers with those of the second half, and a barrier keeps the rounds apart.
// After eight rounds the largest is in slot 0, and one invocation takes it to dst.
//
// Launch: workgroups of 256, an invocation a number.
// Reads:  4 bytes a number from memory, about 12 from workgroup memory, and one atomic access for 256 numbers: 16 million
//         numbers take 65 thousand, 40 us at one a cycle.
// Costs:  1 KiB of workgroup memory; nine barriers for each load, so that memory waits for the barriers.
// Next:   3_vectors loads 16 numbers for the same barriers.

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
    for (var half = 128u; half > 0u; half /= 2u) {
        if local < half {
            slots[local] = max(slots[local], slots[local + half]);
        }
        workgroupBarrier();
    }
    if local == 0u {
        atomicMax(&dst[0], slots[0]);
    }
}

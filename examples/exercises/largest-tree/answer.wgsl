// op: largest
//
// Answer: a barrier after each round, outside the `if`, since all invocations must reach it.

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

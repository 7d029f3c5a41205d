// The largest magnitude, rung 1: everyone at one place. One invocation a number.
//
//   dst[0] = max |src[i]|
//
// Without their sign, floats are ordered as their bits are, read as integers, so the maximum of the bits is that of the
// magnitudes; NaN and infinity count as larger than any number. atomicMax reads, compares and writes without another
// invocation in between, so dst needs no barrier, and the order does not matter. But there is one place, and a core that
// serves it does so for one after the other. (A sum of floats could not be computed like this: WGSL has no atomics for
// them, and its last digits would depend on the order.)
//
// Launch: workgroups of 256, an invocation a number. dst is zero before the launch. The constant SHARE of each rung says
//         how many numbers a workgroup takes.
// Reads:  4 bytes a number, and one atomic access for each: at one a cycle 16 million numbers take 10 ms, 600 times as
//         long as it takes to read them at 4 TB/s.
// Costs:  nothing else.
// Next:   2_tree lets a workgroup agree on one number first: 256 times fewer atomics.

#import shared/grid

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> src: array<f32>;
@group(0) @binding(1) var<storage, read_write> dst: array<atomic<u32>>;  // one number
@group(0) @binding(2) var<uniform> params: Params;

// Numbers that a workgroup takes.
const SHARE = 256u;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, SHARE);
    if i < params.count {
        atomicMax(&dst[0], bitcast<u32>(abs(src[i])));
    }
}

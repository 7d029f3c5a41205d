// The largest magnitude, rung 5, second pass: the largest of up to 192 partial results, by one workgroup.
//
//   dst[0] = max src[i]
//
// Launch: one workgroup of 256.
// Reads:  768 bytes.
// Costs:  as every dispatch some microseconds, in which most of the device is idle.
// Next:   reduce/largest, which leaves this to the kernels that read its results.

#import shared/largest_tree

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> src: array<u32>;
@group(0) @binding(1) var<storage, read_write> dst: array<u32>;  // one number
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
    var most = 0u;
    for (var i = local; i < params.count; i += 256u) {
        most = max(most, src[i]);
    }
    let largest = largest_of_workgroup(most, local);
    if local == 0u {
        dst[0] = largest;
    }
}

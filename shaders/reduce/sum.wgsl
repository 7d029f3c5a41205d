// The sum of some hundred numbers by one workgroup: dst = scale * (src[0] + ... + src[count - 1]).
//
// Second stage of every reduction: the first writes one partial sum a workgroup, this one adds them. Each of 64
// invocations adds every 64th number, then the workgroup adds the 64 sums. The order is fixed, so the result is the same
// to the bit.
//
// Launch: one workgroup of 64.
// Reads:  the partial sums, some hundred numbers.

#import shared/reduce

struct Params { count: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> src: array<f32>;
@group(0) @binding(1) var<storage, read_write> dst: array<f32>;  // dst[0], and zeros up to a vec4
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    var sum = 0.0;
    for (var i = local; i < params.count; i += 64u) {
        sum += src[i];
    }
    let total = workgroup_sum(sum, local);
    if local < 4u {
        dst[local] = select(0.0, params.scale * total, local == 0u);
    }
}

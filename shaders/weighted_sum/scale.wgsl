// One term of a weighted sum of scalars, or its derivative: dst = weight * src (+ dst).
//
// Forward, a dispatch a term adds weight * term to the total; backward, the term's gradient is
// weight * (the total's gradient). One invocation: numbers this few cost only their dispatch.

override ACCUMULATE: bool = false;

struct Params { weight: f32 }

@group(0) @binding(0) var<storage, read> src: array<f32>;
@group(0) @binding(1) var<storage, read_write> dst: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(4)
fn main(@builtin(local_invocation_index) local: u32) {
    // Slots 1..3 are padding and stay zero.
    var value = select(0.0, params.weight * src[0], local == 0u);
    if ACCUMULATE {
        value += dst[local];
    }
    dst[local] = value;
}

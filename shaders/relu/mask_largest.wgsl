// ReLU backward in place, and the largest magnitude of the result: relu/mask and reduce/largest in one pass over memory.
//
//   d_dst[i] = 0 where dst[i] is not above zero;   largest[w] = max |d_dst[i]| over the part of workgroup w
//
// Convolutions on matrix units need both before their backward pass: see shared/scale. Applying the mask while a halo is
// loaded would save this pass, but the halo is loaded once for every 64 output channels, each time with the mask: it took
// two thirds longer on an NVIDIA H200.
//
// Launch: as reduce/largest.
// Reads:  32 bytes a vec4, and writes 16.

struct Params { vectors: u32 }

@group(0) @binding(0) var<storage, read> dst: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> d_dst: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> largest: array<u32>;  // [512]
@group(0) @binding(3) var<uniform> params: Params;

const STRIDE = 131072u;  // invocations

var<workgroup> of_workgroup: atomic<u32>;

// Masks one vector and returns the bits of its magnitudes.
fn mask(i: u32) -> vec4<u32> {
    let d = select(vec4(0.0), d_dst[i], dst[i] > vec4(0.0));
    d_dst[i] = d;
    return bitcast<vec4<u32>>(d) & vec4(0x7fffffffu);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if local == 0u {
        atomicStore(&of_workgroup, 0u);
    }
    workgroupBarrier();
    var most = vec4(0u);
    for (var i = group.x * 256u + local; i < params.vectors; i += STRIDE) {
        most = max(most, mask(i));
    }
    atomicMax(&of_workgroup, max(max(most.x, most.y), max(most.z, most.w)));
    workgroupBarrier();
    if local == 0u {
        largest[group.x] = atomicLoad(&of_workgroup);
    }
}

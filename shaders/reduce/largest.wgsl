// The largest magnitude in a tensor, as 512 partial maxima: largest[w] = max |src[i]| over the part of workgroup w.
//
// Without their sign, floats are ordered as their bits are, read as integers: the maximum of the bits is that of the
// magnitudes. It is exact and does not depend on the order. Infinity and NaN have larger bits than any number, so they
// are found, too. The kernels that read the result (shared/halo) take the maximum of the 512 as they begin, which saves
// a launch.
//
// Launch: 512 workgroups, whatever the size, so that all 512 are written. Each invocation reads every 131072nd vec4, two at
//         a time.
// Reads:  the tensor once, 16 bytes a vec4.

struct Params { vectors: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> largest: array<u32>;  // [512]
@group(0) @binding(2) var<uniform> params: Params;

const STRIDE = 131072u;  // invocations

var<workgroup> of_workgroup: atomic<u32>;

fn magnitude(v: vec4<f32>) -> vec4<u32> {
    return bitcast<vec4<u32>>(v) & vec4(0x7fffffffu);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if local == 0u {
        atomicStore(&of_workgroup, 0u);
    }
    workgroupBarrier();
    var most = vec4(0u);
    for (var i = group.x * 256u + local; i < params.vectors; i += 2u * STRIDE) {
        most = max(most, magnitude(src[i]));
        if i + STRIDE < params.vectors {
            most = max(most, magnitude(src[i + STRIDE]));
        }
    }
    atomicMax(&of_workgroup, max(max(most.x, most.y), max(most.z, most.w)));
    workgroupBarrier();
    if local == 0u {
        largest[group.x] = atomicLoad(&of_workgroup);
    }
}

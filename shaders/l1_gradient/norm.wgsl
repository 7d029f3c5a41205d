// L1 norm of a gradient, first stage: partial sums of |d_dst|.
//
//   norm = sum |d_dst|
//
// Launch: any number of workgroups of 64. Each invocation adds every (64 * workgroups)-th vec4, so that neighbouring
//         invocations read neighbouring vec4; the workgroup writes one sum to partials. reduce/sum then adds those.
//         Padding is zero and adds nothing.
// Reads:  the gradient once, 4 bytes a number.

#import shared/reduce

@group(0) @binding(0) var<storage, read> d_dst: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;  // [workgroups]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var sum = vec4(0.0);
    for (var i = group.x * 64u + local; i < arrayLength(&d_dst); i += grid.x * 64u) {
        sum += abs(d_dst[i]);
    }
    let total = workgroup_sum(dot(sum, vec4(1.0)), local);
    if local == 0u {
        partials[group.x] = total;
    }
}

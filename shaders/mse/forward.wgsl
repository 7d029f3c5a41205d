// Squared error, first stage: partial sums of (src - target)^2.
//
//   loss = sum((src - target)^2) / n
//
// Launch: any number of workgroups of 64. Each invocation adds every (64 * workgroups)-th vec4, so that neighbouring
//         invocations read neighbouring vec4; the workgroup writes one sum to partials. reduce/sum then adds those and
//         divides by n. Padding is zero in both tensors and adds nothing.
// Reads:  both tensors once, 8 bytes for a subtraction, a multiplication and an addition: memory bounds it.

#import shared/reduce

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> target_values: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;  // [workgroups]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var sum = vec4(0.0);
    for (var i = group.x * 64u + local; i < arrayLength(&src); i += grid.x * 64u) {
        let error = src[i] - target_values[i];
        sum += error * error;
    }
    let total = workgroup_sum(dot(sum, vec4(1.0)), local);
    if local == 0u {
        partials[group.x] = total;
    }
}

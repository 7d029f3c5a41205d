// L-BFGS, 7 of 8: the length of the step, as partial sums of  s.s.
//
// Launch: any number of workgroups of 64, each invocation takes every (64 * workgroups)-th vec4. partials begins with
//         [workgroups]; it replaces the sums of lbfgs/pair, which have been read.
// Reads:  the step once, 16 bytes a vec4.

#import shared/reduce

@group(0) @binding(0) var<storage, read> s: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var square = 0.0;
    for (var i = group.x * 64u + local; i < arrayLength(&s); i += grid.x * 64u) {
        square += dot(s[i], s[i]);
    }
    let sum = workgroup_sum(square, local);
    if local == 0u {
        partials[group.x] = sum;
    }
}

// L-BFGS, 1 of 8: the newest pair (s, y). s is the last step; this kernel computes y and partial sums.
//
//   y = g - g_before;   partials of  s.y,  y.y  and  |g|_1
//
// Launch: any number of workgroups of 64, each invocation takes every (64 * workgroups)-th vec4. partials is
//         [3][workgroups].
// Reads:  two gradients and the step, 48 bytes a vec4, and writes 16.

#import shared/reduce

@group(0) @binding(0) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> gradient_before: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> s: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var sy = 0.0;
    var yy = 0.0;
    var norm = 0.0;
    for (var i = group.x * 64u + local; i < arrayLength(&y); i += grid.x * 64u) {
        let g = gradient[i];
        let change = g - gradient_before[i];
        y[i] = change;
        sy += dot(s[i], change);
        yy += dot(change, change);
        norm += dot(abs(g), vec4(1.0));
    }
    let sum_sy = workgroup_sum(sy, local);
    let sum_yy = workgroup_sum(yy, local);
    let sum_norm = workgroup_sum(norm, local);
    if local == 0u {
        partials[group.x] = sum_sy;
        partials[grid.x + group.x] = sum_yy;
        partials[2u * grid.x + group.x] = sum_norm;
    }
}

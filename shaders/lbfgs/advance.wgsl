// L-BFGS, 7 of 7: takes the step.
//
//   x = x + s,   and g is remembered for the next pair
//
// After a divergence x stays where guard/keep put it. One invocation a vec4.

#import shared/grid

struct Guard { best: f32, improved: f32, diverged: f32, restarts: f32 }

@group(0) @binding(0) var<storage, read> guard: Guard;
@group(0) @binding(1) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> s: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> gradient_before: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> x: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&x) || guard.diverged > 0.0 {
        return;
    }
    x[i] += s[i];
    gradient_before[i] = gradient[i];
}

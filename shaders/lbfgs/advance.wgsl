// L-BFGS, 8 of 8: takes the step, cut to its reach.
//
//   s = s min(1, reach / rms(s));   x = x + s;   and g is remembered for the next pair
//
// After a divergence x stays where guard/keep put it. One invocation a vec4; every workgroup adds the
// partial sums of s.s, 64 at most, for itself.

#import shared/grid
#import shared/reduce

struct Guard { best: f32, improved: f32, diverged: f32, restarts: f32 }
struct Lbfgs { count: u32, head: u32, newest: u32, accepted: u32, steps: u32, gamma: f32, descent: f32, reach: f32 }
struct Params { groups: u32, numbers: u32 }

@group(0) @binding(0) var<storage, read> guard: Guard;
@group(0) @binding(1) var<storage, read> state: Lbfgs;
@group(0) @binding(2) var<storage, read> partials: array<f32>;            // [groups]
@group(0) @binding(3) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> s: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> gradient_before: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var part = 0.0;
    if local < params.groups {
        part = partials[local];
    }
    let mean_square = workgroup_sum(part, local) / f32(params.numbers);
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&x) || guard.diverged > 0.0 {
        return;
    }
    // Compared as squares, so that a step of zeros divides nothing.
    var step = s[i];
    if mean_square > state.reach * state.reach {
        step *= state.reach / sqrt(mean_square);
    }
    s[i] = step;
    x[i] += step;
    gradient_before[i] = gradient[i];
}

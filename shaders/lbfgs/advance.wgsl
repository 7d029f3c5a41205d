// L-BFGS, 8 of 8: shortens the step to the bound on its length; lbfgs/smooth then adds it to the image.
//
//   s = s min(1, step_limit / rms(s));   g is kept for the next pair
//
// After a divergence there is no step: the image is the one that guard/keep restored.
//
// Launch: one invocation a vec4, in workgroups of 64; every workgroup adds the partial sums of s.s, at most 64.
// Reads:  step and gradient, 32 bytes a vec4, and writes as much.

#import shared/divergence_guard
#import shared/grid
#import shared/lbfgs_state
#import shared/reduce

struct Params { groups: u32, elements: u32 }

@group(0) @binding(0) var<storage, read> guard: DivergenceGuard;
@group(0) @binding(1) var<storage, read> state: LbfgsState;
@group(0) @binding(2) var<storage, read> partials: array<f32>;            // [groups]
@group(0) @binding(3) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> s: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> gradient_before: array<vec4<f32>>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var part = 0.0;
    if local < params.groups {
        part = partials[local];
    }
    let mean_square = workgroup_sum(part, local) / f32(params.elements);
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&s) || guard.diverged > 0.0 {
        return;
    }
    // Compared as squares, so that a step of zeros divides nothing.
    var step = s[i];
    if mean_square > state.step_limit * state.step_limit {
        step *= state.step_limit / sqrt(mean_square);
    }
    s[i] = step;
    gradient_before[i] = gradient[i];
}

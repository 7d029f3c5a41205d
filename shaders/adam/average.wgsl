// Adam, part 3 of 3: the running average of the images, which varies less than the image itself.
//
//   a = a + (1 - d) / (1 - d^t) * (x - a)    with d the decay, after t updates
//
// This is the exponential mean of all images so far, unbiased from the first update on: at t = 1 the factor is 1. A
// divergence sets t to 0 (see adam/schedule) and leaves the average as it is.
//
// Launch: one invocation a vec4, in workgroups of 64.
// Reads:  32 bytes a vec4, and writes 16: the speed of a copy.

#import shared/adam_powers
#import shared/divergence_guard
#import shared/grid

struct Params { decay: f32 }

@group(0) @binding(0) var<storage, read> guard: DivergenceGuard;
@group(0) @binding(1) var<storage, read> powers: AdamPowers;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> average: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&x) || guard.diverged > 0.0 {
        return;
    }
    average[i] += (1.0 - params.decay) / (1.0 - powers.average) * (x[i] - average[i]);
}

// Adam, third part: the running average of the picture, which is steadier than the picture itself.
//
//   a = a + (1 - d) / (1 - d^t) * (x - a)    with d the decay, after t updates
//
// This is the exponential mean of all pictures so far, weighted so that it is one from the first update
// on: at t = 1 the factor is 1. After a divergence t counts anew (see adam/schedule), and the average
// waits. One invocation a vec4: reads 2 * 16 bytes, writes 16.

#import shared/grid

struct Guard { best: f32, improved: f32, diverged: f32, restarts: f32 }
struct Powers { beta1: f32, beta2: f32, decay: f32 }
struct Params { decay: f32 }

@group(0) @binding(0) var<storage, read> state: Guard;
@group(0) @binding(1) var<storage, read> powers: Powers;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> average: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&x) || state.diverged > 0.0 {
        return;
    }
    average[i] += (1.0 - params.decay) / (1.0 - powers.decay) * (x[i] - average[i]);
}

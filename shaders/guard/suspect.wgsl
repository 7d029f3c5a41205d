// Keeps the picture whose loss is not finite, or has run away, so that somebody may look for the reason.
//
// Runs before guard/judge, and asks the same of the loss; after it the picture is the best one again.
// One invocation a vec4; while all is well it reads two numbers and returns.

#import shared/grid

struct Guard { best: f32, improved: f32, diverged: f32, restarts: f32 }
struct Params { growth: f32 }

@group(0) @binding(0) var<storage, read> loss: array<f32>;
@group(0) @binding(1) var<storage, read> state: Guard;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> suspect: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&x) {
        return;
    }
    // By its bits: shader compilers may assume that NaN and infinity never happen.
    let finite = (bitcast<u32>(loss[0]) & 0x7f800000u) != 0x7f800000u;
    if !finite || loss[0] > params.growth * state.best {
        suspect[i] = x[i];
    }
}

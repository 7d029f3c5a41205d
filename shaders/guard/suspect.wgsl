// Keeps a copy of the image whose loss has diverged, for a diagnosis.
//
// Runs before guard/judge, after which guard/keep restores the best image.
//
// Launch: one invocation a vec4, in workgroups of 64.
// Reads:  two numbers, unless the loss has diverged; then 16 bytes a vec4, and writes 16.

#import shared/divergence
#import shared/divergence_guard
#import shared/grid

struct Params { divergence_factor: f32 }

@group(0) @binding(0) var<storage, read> loss: array<f32>;
@group(0) @binding(1) var<storage, read> guard: DivergenceGuard;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> suspect: array<vec4<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&x) {
        return;
    }
    if has_diverged(loss[0], guard.lowest_loss, params.divergence_factor) {
        suspect[i] = x[i];
    }
}

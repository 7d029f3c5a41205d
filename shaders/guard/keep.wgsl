// Keeps a copy of the best image, or restores it, as guard/judge decided.
//
// Launch: one invocation a vec4, in workgroups of 64.
// Reads:  16 bytes a vec4, and writes 16; nothing where there is nothing to keep.

#import shared/divergence_guard
#import shared/grid

@group(0) @binding(0) var<storage, read> guard: DivergenceGuard;
@group(0) @binding(1) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> best: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&x) {
        return;
    }
    if guard.improved > 0.0 {
        best[i] = x[i];
    } else if guard.diverged > 0.0 {
        x[i] = best[i];
    }
}

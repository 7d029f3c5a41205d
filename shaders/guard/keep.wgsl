// Keeps the best picture, or puts it back, as guard/judge found. One invocation a vec4.

#import shared/grid

struct Guard { best: f32, improved: f32, diverged: f32, restarts: f32 }

@group(0) @binding(0) var<storage, read> state: Guard;
@group(0) @binding(1) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> best: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&x) {
        return;
    }
    if state.improved > 0.0 {
        best[i] = x[i];
    } else if state.diverged > 0.0 {
        x[i] = best[i];
    }
}

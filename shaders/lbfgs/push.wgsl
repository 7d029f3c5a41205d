// L-BFGS, 3 of 8: copies the newest pair into its slot, if it was accepted.
//
// The ring may be cut into several buffers, since one may be no larger than the device's binding
// limit; this dispatch serves the buffer that holds slots [first, first + slots). One invocation a vec4.

#import shared/grid

struct Lbfgs { count: u32, head: u32, newest: u32, accepted: u32, steps: u32, gamma: f32, descent: f32, reach: f32 }
struct Params { first: u32, slots: u32 }

@group(0) @binding(0) var<storage, read> state: Lbfgs;
@group(0) @binding(1) var<storage, read> s: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> ring_s: array<vec4<f32>>;  // [slots][vectors]
@group(0) @binding(4) var<storage, read_write> ring_y: array<vec4<f32>>;  // [slots][vectors]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    // Below the first slot the difference wraps and is no slot of this buffer either.
    let slot = state.newest - params.first;
    if i < arrayLength(&s) && state.accepted == 1u && slot < params.slots {
        ring_s[slot * arrayLength(&s) + i] = s[i];
        ring_y[slot * arrayLength(&s) + i] = y[i];
    }
}

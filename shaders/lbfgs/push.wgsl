// L-BFGS, 3 of 8: copies the newest pair into its slot, if it was accepted.
//
// The ring may consist of several buffers, since each must be within the device's limit on a binding. This dispatch
// writes to the buffer of slots [first, first + slots).
//
// Launch: one invocation a vec4, in workgroups of 64.
// Reads:  32 bytes a vec4, and writes 32, if the pair was accepted.

#import shared/grid
#import shared/lbfgs_state

struct Params { first: u32, slots: u32 }

@group(0) @binding(0) var<storage, read> state: LbfgsState;
@group(0) @binding(1) var<storage, read> s: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> ring_s: array<vec4<f32>>;  // [slots][vectors]
@group(0) @binding(4) var<storage, read_write> ring_y: array<vec4<f32>>;  // [slots][vectors]
@group(0) @binding(5) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    // Below `first` the difference wraps around, and is larger than `slots` too.
    let slot = state.newest_slot - params.first;
    if i < arrayLength(&s) && state.accepted == 1u && slot < params.slots {
        ring_s[slot * arrayLength(&s) + i] = s[i];
        ring_y[slot * arrayLength(&s) + i] = y[i];
    }
}

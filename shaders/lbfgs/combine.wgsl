// L-BFGS, 6 of 8: the step as a linear combination of the gradient and the history, in one pass.
//
//   s = k_g g + sum over slots i of (k_s[i] s_i + k_y[i] y_i)
//
// Launch: one invocation a vec4, once for each buffer of the ring. The first starts the sum with g, the others add to it.
//         Empty slots are not read.
// Reads:  32 bytes a slot and vec4: the whole history once.

#import shared/grid
#import shared/lbfgs_state

// False for the first buffer of the ring.
override ACCUMULATE: bool = false;

struct Params { first: u32, slots: u32, capacity: u32 }

@group(0) @binding(0) var<storage, read> state: LbfgsState;
@group(0) @binding(1) var<storage, read> coefficients: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> ring_s: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> ring_y: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> s: array<vec4<f32>>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    let vectors = arrayLength(&s);
    if i >= vectors {
        return;
    }
    var sum = vec4(0.0);
    if ACCUMULATE {
        sum = s[i];
    } else {
        sum = coefficients[0] * gradient[i];
    }
    for (var slot = 0u; slot < params.slots && params.first + slot < state.pairs; slot++) {
        let k = 1u + params.first + slot;
        sum += coefficients[k] * ring_s[slot * vectors + i];
        sum += coefficients[params.capacity + k] * ring_y[slot * vectors + i];
    }
    s[i] = sum;
}

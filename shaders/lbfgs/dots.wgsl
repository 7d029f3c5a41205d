// L-BFGS, 4 of 8: every dot product that the two-loop recursion needs, in one pass over the history.
//
//   for each slot i:  s_i.g,  y_i.g,  s_i.y,  y_i.s,  y_i.y     (s, y: the newest pair)
//
// With the products that earlier steps computed, these suffice to run the recursion on scalars (Chen, Wang & Zhou 2014,
// "Large-scale L-BFGS using MapReduce").
//
// Launch: workgroups of 64. Those in x divide a vector among them, y is the slot within the buffer. partials is
//         [capacity][5][workgroups in x]; empty slots are skipped.
// Reads:  32 bytes a slot and vec4, the whole history once; g and the newest pair again for each slot, from the cache.

#import shared/lbfgs_state
#import shared/reduce

struct Params { first: u32 }

@group(0) @binding(0) var<storage, read> state: LbfgsState;
@group(0) @binding(1) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> s: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> y: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> ring_s: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> ring_y: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let vectors = arrayLength(&s);
    let slot = params.first + group.y;
    // The ring fills from slot 0, so slots from `pairs` on have never been written.
    let end = select(0u, vectors, slot < state.pairs);
    var sums = array<f32, 5>();
    for (var i = group.x * 64u + local; i < end; i += grid.x * 64u) {
        let old_s = ring_s[group.y * vectors + i];
        let old_y = ring_y[group.y * vectors + i];
        let g = gradient[i];
        let new_y = y[i];
        sums[0] += dot(old_s, g);
        sums[1] += dot(old_y, g);
        sums[2] += dot(old_s, new_y);
        sums[3] += dot(old_y, s[i]);
        sums[4] += dot(old_y, new_y);
    }
    for (var k = 0u; k < 5u; k++) {
        let sum = workgroup_sum(sums[k], local);
        if local == 0u {
            partials[(slot * 5u + k) * grid.x + group.x] = sum;
        }
    }
}

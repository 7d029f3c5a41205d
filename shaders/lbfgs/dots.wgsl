// L-BFGS, 4 of 8: every dot product that the recursion needs, in one pass over the history.
//
//   for each slot i:  s_i.g,  y_i.g,  s_i.y,  y_i.s,  y_i.y     (s, y: the newest pair)
//
// With the products of earlier pairs kept from earlier steps these are enough to run the two-loop
// recursion on numbers alone (Chen, Wang & Zhou 2014, "Large-scale L-BFGS using MapReduce").
// Launch: workgroups of 64; x shares out a vector, y covers the buffer's slots.
// partials is [capacity][5][workgroups in x]; empty slots are skipped.

#import shared/reduce

struct Lbfgs { count: u32, head: u32, newest: u32, accepted: u32, steps: u32, gamma: f32, descent: f32, reach: f32 }
struct Params { first: u32 }

@group(0) @binding(0) var<storage, read> state: Lbfgs;
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
    // The ring fills from slot 0, so slots from `count` on have never been written.
    let end = select(0u, vectors, slot < state.count);
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

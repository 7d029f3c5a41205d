// op: softmax
//
// Exercise: this is the formula exp(x) / sum exp(x), and right for numbers from -1 to 1. The check has others up to 16384,
// too, of either sign. What may be taken away from every number of a row before exp, so that nothing overflows and the
// quotient stays?

#import shared/grid

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> src: array<f32>;
@group(0) @binding(1) var<storage, read_write> dst: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

// Rows that a workgroup takes.
const ROWS = 64u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let row = linear_index(group, grid, local, ROWS);
    if row >= params.rows {
        return;
    }
    let first = row * params.columns;
    var sum = 0.0;
    for (var i = 0u; i < params.columns; i++) {
        sum += exp(src[first + i]);
    }
    for (var i = 0u; i < params.columns; i++) {
        dst[first + i] = exp(src[first + i]) / sum;
    }
}

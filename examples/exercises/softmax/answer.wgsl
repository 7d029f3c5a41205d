// op: softmax
//
// Answer: the largest number of the row, which takes one more pass. It cancels in the quotient, and the largest exponential is 1.
// The maximum of the absolute values would not do: in a row of large negative numbers every exponential would be zero.

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
    var most = src[first];
    for (var i = 1u; i < params.columns; i++) {
        most = max(most, src[first + i]);
    }
    var sum = 0.0;
    for (var i = 0u; i < params.columns; i++) {
        sum += exp(src[first + i] - most);
    }
    for (var i = 0u; i < params.columns; i++) {
        dst[first + i] = exp(src[first + i] - most) / sum;
    }
}

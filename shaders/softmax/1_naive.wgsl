// Softmax of the rows of a matrix, rung 1: an invocation a row, in three passes.
//
//   dst[row, column] = exp(src[row, column] - most) / sum over the row of exp(src - most),  most = max of the row
//
// The results of a row are positive and add up to 1. `most` cancels in the quotient, so any number could stand there. But
// without it exp(89) is more than f32 holds, and infinity / infinity is NaN. With it the largest exponential is 1, and
// those that are rounded to zero would not change the sum.
//
// Launch: workgroups of 64, an invocation a row. The constant ROWS of each rung says how many rows a workgroup takes.
// Reads:  12 bytes a number, 4 in each pass, and 4 are written. Neighbouring invocations read numbers that lie a row apart,
//         so a load of 32 invocations touches 32 lines of memory for 4 bytes of each.
// Costs:  two exponentials a number. 4096 rows are 64 workgroups: an H200 has 132 cores.
// Next:   2_rows gives each row to a workgroup, whose invocations read neighbouring numbers.

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

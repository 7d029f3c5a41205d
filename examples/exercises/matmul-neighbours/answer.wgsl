// op: matmul
//
// Answer: neighbours in x have neighbouring columns. Before, 32 lines of A and one number of B at each step; now one number of A
// and one line of B.

struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;        // [m][k]
@group(0) @binding(1) var<storage, read> b: array<f32>;        // [k][n]
@group(0) @binding(2) var<storage, read_write> c: array<f32>;  // [m][n]
@group(0) @binding(3) var<uniform> params: Params;

// Rows and columns of C that a workgroup computes.
const TILE_ROWS = 8u;
const TILE_COLUMNS = 32u;

@compute @workgroup_size(32, 8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let row = group.y * TILE_ROWS + local.y;
    let column = group.x * TILE_COLUMNS + local.x;
    if row >= params.m || column >= params.n {
        return;
    }
    var sum = 0.0;
    for (var i = 0u; i < params.k; i++) {
        sum += a[row * params.k + i] * b[i * params.n + column];
    }
    c[row * params.n + column] = sum;
}

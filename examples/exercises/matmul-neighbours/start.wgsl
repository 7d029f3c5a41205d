// op: matmul
//
// Exercise: the tile lies on its side already, 8 rows by 32 columns. Exchange the axes of the invocations too, so that the 32
// neighbours in x have neighbouring columns. Predict how many lines of memory a subgroup reads at each step, before and after.

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
    let row = group.y * TILE_ROWS + local.x;
    let column = group.x * TILE_COLUMNS + local.y;
    if row >= params.m || column >= params.n {
        return;
    }
    var sum = 0.0;
    for (var i = 0u; i < params.k; i++) {
        sum += a[row * params.k + i] * b[i * params.n + column];
    }
    c[row * params.n + column] = sum;
}

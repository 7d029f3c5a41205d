// Matrix multiplication, rung 2: neighbours read neighbours.
//
// The formula is in 1_naive, and so is the wrong axis. Only three lines differ: x counts columns now and y rows, and the
// tile lies on its side. The 32 invocations of a subgroup have 32 neighbouring columns. At each step all of them want the
// same number of A, which is read once and given to all, and 32 neighbouring numbers of B, 128 bytes in a row: one cache
// line. That is called a coalesced access. The results are stored as one line, too.
//
// Launch: workgroups of 32 x 8; x covers columns, y rows.
// Reads:  8 bytes a multiply-add, as before, but in 2 requests for 32 multiply-adds instead of 33: up to 16 times faster.
//         Where nothing stays in a cache, the 8 rows and 32 columns of a workgroup are 40 numbers for 256 multiply-adds,
//         0.6 bytes each.
// Costs:  nothing.
// Next:   3_tiled reads a number once for a whole workgroup, and keeps it.

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

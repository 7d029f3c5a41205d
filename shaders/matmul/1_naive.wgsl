// Matrix multiplication, rung 1: the definition. One invocation computes one element of C.
//
//   C[row, column] = sum over i of A[row, i] * B[i, column]
//
// A has m rows of k numbers, B k rows of n, C m rows of n. The numbers of a row lie beside each other, one row after the
// other. Here x counts rows and y columns, as two nested loops would be written, and that is the wrong way round: the 32
// invocations of a subgroup have neighbouring x, and so read, at each step, one column of A. Its numbers lie k apart,
// each in a cache line of its own, and memory delivers 32 lines where the subgroup uses one number of each.
//
// Launch: workgroups of 32 x 8; x covers rows, y columns. The grid's x counts tiles of TILE_COLUMNS columns of C, its y
//         tiles of TILE_ROWS rows; this holds for every rung.
// Reads:  8 bytes a multiply-add: one number of A, one of B. For 32 multiply-adds a subgroup asks for 32 lines of A and,
//         since all of its columns are the same, for one of B: 33 requests.
// Costs:  nothing: a sum and an index in registers.
// Next:   2_coalesced exchanges x and y: 2 requests instead of 33.

struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;        // [m][k]
@group(0) @binding(1) var<storage, read> b: array<f32>;        // [k][n]
@group(0) @binding(2) var<storage, read_write> c: array<f32>;  // [m][n]
@group(0) @binding(3) var<uniform> params: Params;

// Rows and columns of C that a workgroup computes.
const TILE_ROWS = 32u;
const TILE_COLUMNS = 8u;

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

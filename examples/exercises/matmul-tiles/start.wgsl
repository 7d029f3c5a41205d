// op: matmul
//
// Exercise: each invocation loads one number of A and one of B into workgroup memory for all others. The load of B is missing,
// and so are both barriers. A barrier that is missing need not show on every device: say of each what would go wrong without it.

struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;        // [m][k]
@group(0) @binding(1) var<storage, read> b: array<f32>;        // [k][n]
@group(0) @binding(2) var<storage, read_write> c: array<f32>;  // [m][n]
@group(0) @binding(3) var<uniform> params: Params;

const TILE_ROWS = 16u;
const TILE_COLUMNS = 16u;
const K_TILE = 16u;

var<workgroup> tile_a: array<f32, 256>;  // [TILE_ROWS][K_TILE]
var<workgroup> tile_b: array<f32, 256>;  // [K_TILE][TILE_COLUMNS]

fn load_a(row: u32, i: u32) -> f32 {
    if row < params.m && i < params.k {
        return a[row * params.k + i];
    }
    return 0.0;
}

fn load_b(i: u32, column: u32) -> f32 {
    if i < params.k && column < params.n {
        return b[i * params.n + column];
    }
    return 0.0;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let row = group.y * TILE_ROWS + local.y;
    let column = group.x * TILE_COLUMNS + local.x;
    var sum = 0.0;
    for (var first = 0u; first < params.k; first += K_TILE) {
        tile_a[local.y * K_TILE + local.x] = load_a(row, first + local.x);
        // Here one number of B, and what keeps loads and reads apart.
        for (var i = 0u; i < K_TILE; i++) {
            sum += tile_a[local.y * K_TILE + i] * tile_b[i * TILE_COLUMNS + local.x];
        }
        // And here?
    }
    if row < params.m && column < params.n {
        c[row * params.n + column] = sum;
    }
}

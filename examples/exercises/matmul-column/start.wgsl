// op: matmul
//
// Exercise: an invocation has eight rows of C to compute, one below the other, and computes four. Add the lower four. How many
// numbers of workgroup memory does it read for a multiply-add with four rows, how many with eight?

struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;        // [m][k]
@group(0) @binding(1) var<storage, read> b: array<f32>;        // [k][n]
@group(0) @binding(2) var<storage, read_write> c: array<f32>;  // [m][n]
@group(0) @binding(3) var<uniform> params: Params;

const TILE_ROWS = 32u;
const TILE_COLUMNS = 64u;
const K_TILE = 16u;
const INVOCATIONS = 256u;

var<workgroup> tile_a: array<f32, 512>;   // [TILE_ROWS][K_TILE]
var<workgroup> tile_b: array<f32, 1024>;  // [K_TILE][TILE_COLUMNS]

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

fn put(row: u32, column: u32, value: f32) {
    if row < params.m && column < params.n {
        c[row * params.n + column] = value;
    }
}

@compute @workgroup_size(64, 4)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let tile_row = group.y * TILE_ROWS;
    let tile_column = group.x * TILE_COLUMNS;
    var upper = vec4(0.0);
    for (var first = 0u; first < params.k; first += K_TILE) {
        // A tile has more numbers than the workgroup has invocations: each loads every 256th of them.
        for (var j = index; j < TILE_ROWS * K_TILE; j += INVOCATIONS) {
            tile_a[j] = load_a(tile_row + j / K_TILE, first + j % K_TILE);
        }
        for (var j = index; j < K_TILE * TILE_COLUMNS; j += INVOCATIONS) {
            tile_b[j] = load_b(first + j / TILE_COLUMNS, tile_column + j % TILE_COLUMNS);
        }
        workgroupBarrier();
        for (var i = 0u; i < K_TILE; i++) {
            let of_b = vec4(tile_b[i * TILE_COLUMNS + local.x]);
            let j = local.y * 8u * K_TILE + i;
            let of_upper = vec4(tile_a[j], tile_a[j + 16u], tile_a[j + 32u], tile_a[j + 48u]);
            upper = fma(of_upper, of_b, upper);
        }
        workgroupBarrier();
    }
    let row = tile_row + local.y * 8u;
    let column = tile_column + local.x;
    put(row, column, upper.x);
    put(row + 1u, column, upper.y);
    put(row + 2u, column, upper.z);
    put(row + 3u, column, upper.w);
}

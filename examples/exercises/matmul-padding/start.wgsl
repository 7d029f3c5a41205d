// op: matmul
//
// Exercise: rows of the tile of A have been made nine numbers long, but not everywhere; and nothing has been done about the tile
// of B yet, where columns that are 32 apart share a bank. Complete both. Then take the padding away again (A_ROW = 8 and
// place_of_b without the division), predict what that costs on your device, and run it: it stays right.

#import shared/row

struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;        // [m][k]
@group(0) @binding(1) var<storage, read> b: array<f32>;        // [k][n]
@group(0) @binding(2) var<storage, read_write> c: array<f32>;  // [m][n]
@group(0) @binding(3) var<uniform> params: Params;

const TILE_ROWS = 64u;
const TILE_COLUMNS = 64u;
const K_TILE = 8u;
const INVOCATIONS = 64u;

const A_ROW = 9u;   // K_TILE and padding
const B_ROW = 64u;  // TILE_COLUMNS, no padding yet

var<workgroup> tile_a: array<f32, 576>;  // [TILE_ROWS][A_ROW]
var<workgroup> tile_b: array<f32, 528>;  // [K_TILE][B_ROW]

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

// Place of a number in the tile of B.
fn place_of_b(i: u32, column: u32) -> u32 {
    return i * B_ROW + column;
}

// Four numbers of A below each other, and four of B beside each other.
fn column_of_a(j: u32) -> vec4<f32> {
    return vec4(tile_a[j], tile_a[j + A_ROW], tile_a[j + 2u * A_ROW], tile_a[j + 3u * A_ROW]);
}

fn row_of_b(j: u32) -> vec4<f32> {
    return vec4(tile_b[j], tile_b[j + 1u], tile_b[j + 2u], tile_b[j + 3u]);
}

#import shared/matmul_put
#import shared/matmul_put_rows

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let tile_row = group.y * TILE_ROWS;
    let tile_column = group.x * TILE_COLUMNS;
    // Eight rows of four columns each: the left and the right half of the square.
    var left: Row;
    var right: Row;
    for (var first = 0u; first < params.k; first += K_TILE) {
        for (var j = index; j < TILE_ROWS * K_TILE; j += INVOCATIONS) {
            tile_a[j / K_TILE * A_ROW + j % K_TILE] = load_a(tile_row + j / K_TILE, first + j % K_TILE);
            let place = place_of_b(j / TILE_COLUMNS, j % TILE_COLUMNS);
            tile_b[place] = load_b(first + j / TILE_COLUMNS, tile_column + j % TILE_COLUMNS);
        }
        workgroupBarrier();
        for (var i = 0u; i < K_TILE; i++) {
            let at = local.y * 8u * K_TILE + i;
            let upper = column_of_a(at);
            let lower = column_of_a(at + 4u * A_ROW);
            add_outer(&left, row_of_b(place_of_b(i, local.x * 8u)), upper, lower);
            add_outer(&right, row_of_b(place_of_b(i, local.x * 8u + 4u)), upper, lower);
        }
        workgroupBarrier();
    }
    put_rows(tile_row + local.y * 8u, 1u, tile_column + local.x * 8u, &left);
    put_rows(tile_row + local.y * 8u, 1u, tile_column + local.x * 8u + 4u, &right);
}

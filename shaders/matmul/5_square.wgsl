// Matrix multiplication, rung 5: a square of results in registers.
//
// The formula is in 1_naive, tiles are in 3_tiled, registers in 4_column. An invocation computes eight rows by eight
// columns. At each step it reads eight numbers of A and eight of B and adds all 64 products of them, an outer product.
//
// Workgroup memory has 32 banks: number j is in bank j % 32, and a bank serves one number at a time. In a subgroup four
// invocations below each other read numbers of A that are 8 rows of 8 apart: 64 numbers, one bank, one after the other.
// Eight invocations beside each other read numbers of B that are 8 apart: four banks, two numbers each.
//
// Launch: workgroups of 8 x 8; x covers columns in eights, y rows in eights. A tile is 64 x 64.
// Reads:  a K-tile is 1024 numbers for 64 * 64 * 8 multiply-adds: an eighth of a byte each from memory. From workgroup
//         memory 16 numbers for 64 multiply-adds, one byte each instead of 4.5. With banks, 8 reads take four turns and 8
//         take two: 48 turns for 64 multiply-adds where 4_column takes 72. 1.5 times faster; 4.5 times, were there no
//         conflicts.
// Costs:  64 registers for sums, 16 for what they are multiplied with; 4 KiB of workgroup memory.
// Next:   6_padded moves the numbers into banks of their own.

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

var<workgroup> tile_a: array<f32, 512>;  // [TILE_ROWS][K_TILE]
var<workgroup> tile_b: array<f32, 512>;  // [K_TILE][TILE_COLUMNS]

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

// Four numbers of A below each other, and four of B beside each other.
fn column_of_a(j: u32) -> vec4<f32> {
    return vec4(tile_a[j], tile_a[j + K_TILE], tile_a[j + 2u * K_TILE], tile_a[j + 3u * K_TILE]);
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
            tile_a[j] = load_a(tile_row + j / K_TILE, first + j % K_TILE);
            tile_b[j] = load_b(first + j / TILE_COLUMNS, tile_column + j % TILE_COLUMNS);
        }
        workgroupBarrier();
        for (var i = 0u; i < K_TILE; i++) {
            let at = local.y * 8u * K_TILE + i;
            let upper = column_of_a(at);
            let lower = column_of_a(at + 4u * K_TILE);
            add_outer(&left, row_of_b(i * TILE_COLUMNS + local.x * 8u), upper, lower);
            add_outer(&right, row_of_b(i * TILE_COLUMNS + local.x * 8u + 4u), upper, lower);
        }
        workgroupBarrier();
    }
    put_rows(tile_row + local.y * 8u, 1u, tile_column + local.x * 8u, &left);
    put_rows(tile_row + local.y * 8u, 1u, tile_column + local.x * 8u + 4u, &right);
}

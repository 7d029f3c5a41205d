// Matrix multiplication, rung 8: two K-tiles in turns.
//
// The formula is in 1_naive, vec4 are in 7_vectors. There the invocations of a workgroup load, wait, multiply, and wait
// again: a load from memory takes some hundred cycles in which nothing is multiplied, unless another workgroup has
// something to do. Here workgroup memory has room for two K-tiles. While one is multiplied, the next is on its way: its
// loads are issued before the multiply-adds, and what they bring is stored after them. One barrier a K-tile is enough,
// since nobody writes to the K-tile that others read.
//
// Launch: workgroups of 8 x 8; x covers columns, y rows. A tile is 64 x 64.
// Reads:  as 7_vectors: an eighth of a byte a multiply-add from memory, one byte from workgroup memory.
// Costs:  16 registers more than 7_vectors, for the numbers on their way, some 140 in all; 8 KiB of workgroup memory.
// Next:   9_matrix_units multiplies 16 x 16 matrices with an instruction, at half the precision.

#import shared/row

struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;  // [m][k]
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;  // [k][n]
@group(0) @binding(2) var<storage, read_write> c: array<f32>;  // [m][n]
@group(0) @binding(3) var<uniform> params: Params;

const TILE_ROWS = 64u;
const TILE_COLUMNS = 64u;
const K_BLOCKS = 2u;  // blocks of four k in a K-tile

var<workgroup> tile_a: array<vec4<f32>, 256>;  // [2 K-tiles][K_BLOCKS][TILE_ROWS]
var<workgroup> tile_b: array<vec4<f32>, 256>;  // [2 K-tiles][4 * K_BLOCKS][TILE_COLUMNS / 4]

#import shared/matmul_load
#import shared/matmul_put
#import shared/matmul_put_rows

// The invocation's eight rows of a block of four k.
fn rows_of_a(j: u32) -> Row {
    return Row(
        tile_a[j], tile_a[j + 8u], tile_a[j + 16u], tile_a[j + 24u],
        tile_a[j + 32u], tile_a[j + 40u], tile_a[j + 48u], tile_a[j + 56u],
    );
}

// Adds the products of four k with four columns.
fn add_block(sums: ptr<function, Row>, s: Row, j: u32) {
    add_outer(sums, tile_b[j], vec4(s[0].x, s[1].x, s[2].x, s[3].x), vec4(s[4].x, s[5].x, s[6].x, s[7].x));
    add_outer(sums, tile_b[j + 16u], vec4(s[0].y, s[1].y, s[2].y, s[3].y), vec4(s[4].y, s[5].y, s[6].y, s[7].y));
    add_outer(sums, tile_b[j + 32u], vec4(s[0].z, s[1].z, s[2].z, s[3].z), vec4(s[4].z, s[5].z, s[6].z, s[7].z));
    add_outer(sums, tile_b[j + 48u], vec4(s[0].w, s[1].w, s[2].w, s[3].w), vec4(s[4].w, s[5].w, s[6].w, s[7].w));
}

// What one invocation loads of a K-tile.
struct Share { a0: vec4<f32>, a1: vec4<f32>, b0: vec4<f32>, b1: vec4<f32> }

// Two invocations load the eight k of a row of A, sixteen the 64 columns of a row of B; zeros beyond the last K-tile.
fn load_share(tile_row: u32, tile_column: u32, first: u32, index: u32) -> Share {
    let row = tile_row + index / 2u;
    let column = tile_column + index % 16u * 4u;
    let of_a = first + index % 2u * 4u;
    let of_b = first + index / 16u;
    return Share(load_a(row, of_a), load_a(row + 32u, of_a), load_b(of_b, column), load_b(of_b + 4u, column));
}

fn put_share(turn: u32, index: u32, share: Share) {
    let at = turn * K_BLOCKS * TILE_ROWS;
    tile_a[at + index % 2u * TILE_ROWS + index / 2u] = share.a0;
    tile_a[at + index % 2u * TILE_ROWS + index / 2u + 32u] = share.a1;
    tile_b[at + index] = share.b0;
    tile_b[at + index + 64u] = share.b1;
}

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let tile_row = group.y * TILE_ROWS;
    let tile_column = group.x * TILE_COLUMNS;
    var left: Row;
    var right: Row;
    put_share(0u, index, load_share(tile_row, tile_column, 0u, index));
    workgroupBarrier();
    var turn = 0u;
    for (var first = 0u; first < params.k; first += 4u * K_BLOCKS) {
        let next = load_share(tile_row, tile_column, first + 4u * K_BLOCKS, index);
        for (var block = turn * K_BLOCKS; block < (turn + 1u) * K_BLOCKS; block++) {
            let s = rows_of_a(block * TILE_ROWS + local.y);
            add_block(&left, s, block * 64u + local.x);
            add_block(&right, s, block * 64u + local.x + 8u);
        }
        turn = 1u - turn;
        put_share(turn, index, next);
        workgroupBarrier();
    }
    put_rows(tile_row + local.y, 8u, tile_column + local.x * 4u, &left);
    put_rows(tile_row + local.y, 8u, tile_column + local.x * 4u + 32u, &right);
}

// Matrix multiplication, rung 7: four numbers with an instruction.
//
// The formula is in 1_naive, the square of results in 5_square. Bindings and workgroup memory hold vec4: four k of a row
// of A, or four columns of B. Four k are four outer products, one a component of the vectors of A; taking components only
// renames registers. An invocation's rows are now 8 apart, and its columns two groups of four, 32 apart, so that
// neighbours read neighbouring vec4 and no padding is needed.
//
// A row whose length is no multiple of four begins within a vec4. Such matrices are loaded number by number.
//
// Launch: workgroups of 8 x 8; x covers columns, y rows. A tile is 64 x 64.
// Reads:  an eighth of a byte a multiply-add from memory, one byte from workgroup memory, as 6_padded: but 4 instructions
//         for 64 multiply-adds instead of 16, and a load is 16 bytes wide. Multiply-adds are now what takes the time.
// Costs:  64 registers for sums, 40 for what they are multiplied with; 4 KiB of workgroup memory.
// Next:   8_turns loads the next K-tile while this one is multiplied.

#import shared/row

struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;  // [m][k]
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;  // [k][n]
@group(0) @binding(2) var<storage, read_write> c: array<f32>;  // [m][n]
@group(0) @binding(3) var<uniform> params: Params;

const TILE_ROWS = 64u;
const TILE_COLUMNS = 64u;
const K_BLOCKS = 2u;  // blocks of four k in a K-tile

var<workgroup> tile_a: array<vec4<f32>, 128>;  // [K_BLOCKS][TILE_ROWS]
var<workgroup> tile_b: array<vec4<f32>, 128>;  // [4 * K_BLOCKS][TILE_COLUMNS / 4]

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
    for (var first = 0u; first < params.k; first += 4u * K_BLOCKS) {
        // Two invocations load the eight k of a row of A, sixteen the 64 columns of a row of B.
        for (var half = 0u; half < 2u; half++) {
            let row = index / 2u + half * 32u;
            tile_a[index % 2u * TILE_ROWS + row] = load_a(tile_row + row, first + index % 2u * 4u);
            let i = index / 16u + half * 4u;
            tile_b[index + half * 64u] = load_b(first + i, tile_column + index % 16u * 4u);
        }
        workgroupBarrier();
        for (var block = 0u; block < K_BLOCKS; block++) {
            let s = rows_of_a(block * TILE_ROWS + local.y);
            add_block(&left, s, block * 64u + local.x);
            add_block(&right, s, block * 64u + local.x + 8u);
        }
        workgroupBarrier();
    }
    put_rows(tile_row + local.y, 8u, tile_column + local.x * 4u, &left);
    put_rows(tile_row + local.y, 8u, tile_column + local.x * 4u + 32u, &right);
}

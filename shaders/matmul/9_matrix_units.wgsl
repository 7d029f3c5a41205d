// Matrix multiplication, rung 9: matrix units, for hardware with instructions for products of 16 x 16 matrices.
//
// The formula is in 1_naive, K-tiles in turns are in 8_turns. The 32 invocations of a subgroup hold matrices together: X
// with 16 rows by 16 k of A, Y with 16 k by 16 columns of B, Z with 16 x 16 elements of C. coopMultiplyAdd computes X Y +
// Z in one instruction, 4096 multiply-adds. Which invocation holds which element depends on the driver, so a matrix can
// only be loaded, multiplied and stored as a whole.
//
// X and Y are f16: 11 bits instead of 24, numbers beyond 65504 become infinite and those below 6e-8 zero. Products and
// sums are f32. The error of a result is some 1e-3 of the largest where few products are summed, and less where many are:
// it stands in the table beside the speed.
//
// Rows in workgroup memory are 24 and 72 f16 long, not 16 and 64, so that the eight rows of a matrix that are read at a
// time begin in different banks.
//
// Launch: workgroups of 128, four subgroups of 32; x covers columns in tiles of 64, y rows in tiles of 128. A subgroup
//         computes 64 rows by 32 columns: 8 Z.
// Reads:  a K-tile is 3072 numbers for 128 * 64 * 16 multiply-adds: 0.09 bytes each from memory. From workgroup memory 3
//         KiB a subgroup for 8 instructions of 4096, again a tenth of a byte, ten times less than 8_turns.
// Costs:  64 registers for sums, 24 for the next K-tile, 24 for X and Y; 21.5 KiB of workgroup memory.
// Next:   conv/8_halo and conv/9_halo_x3 do the same for convolutions, scaled so that nothing is lost at the ends of f16,
//         and with two f16 for each number, which keep the precision of f32.

enable f16;
enable wgpu_cooperative_matrix;

struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;  // [m][k]
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;  // [k][n]
@group(0) @binding(2) var<storage, read_write> c: array<f32>;  // [m][n]
@group(0) @binding(3) var<uniform> params: Params;

alias X = coop_mat16x16<f16, A>;
alias Y = coop_mat16x16<f16, B>;
alias Z = coop_mat16x16<f32, C>;

const TILE_ROWS = 128u;
const TILE_COLUMNS = 64u;
const K_TILE = 16u;
const A_ROW = 6u;     // vec4: 16 k and padding
const B_ROW = 18u;    // vec4: 64 columns and padding
const TILE_A = 768u;  // vec4 of a K-tile of A, and of B
const TILE_B = 288u;

var<workgroup> tile_a: array<vec4<f16>, 1536>;  // [2 K-tiles][TILE_ROWS][A_ROW]
var<workgroup> tile_b: array<vec4<f16>, 576>;   // [2 K-tiles][K_TILE][B_ROW]
var<workgroup> results: array<vec4<f32>, 320>;  // [4 subgroups][16 rows][5, of which 4 are used]

#import shared/matmul_load
#import shared/matmul_put

// What one invocation loads of a K-tile: of A four vec4, 32 rows apart, of B two, 8 rows apart.
struct Share { a0: vec4<f32>, a1: vec4<f32>, a2: vec4<f32>, a3: vec4<f32>, b0: vec4<f32>, b1: vec4<f32> }

fn load_share(tile_row: u32, tile_column: u32, first: u32, index: u32) -> Share {
    let row = tile_row + index / 4u;
    let i = first + index % 4u * 4u;
    let of_b = first + index / 16u;
    let column = tile_column + index % 16u * 4u;
    return Share(
        load_a(row, i), load_a(row + 32u, i), load_a(row + 64u, i), load_a(row + 96u, i),
        load_b(of_b, column), load_b(of_b + 8u, column),
    );
}

fn put_share(turn: u32, index: u32, share: Share) {
    let at = turn * TILE_A + index / 4u * A_ROW + index % 4u;
    tile_a[at] = vec4<f16>(share.a0);
    tile_a[at + 32u * A_ROW] = vec4<f16>(share.a1);
    tile_a[at + 64u * A_ROW] = vec4<f16>(share.a2);
    tile_a[at + 96u * A_ROW] = vec4<f16>(share.a3);
    let of_b = turn * TILE_B + index / 16u * B_ROW + index % 16u;
    tile_b[of_b] = vec4<f16>(share.b0);
    tile_b[of_b + 8u * B_ROW] = vec4<f16>(share.b1);
}

// Stores one Z at a place in C. It goes through workgroup memory, since the edges of C need single elements.
fn put_matrix(sums: Z, row: u32, column: u32, subgroup: u32, lane: u32) {
    let corner = subgroup * 80u;
    workgroupBarrier();
    coopStoreT(sums, &results[corner], 5u);
    workgroupBarrier();
    put(row + lane / 4u, column + lane % 4u * 4u, results[corner + lane / 4u * 5u + lane % 4u]);
    put(row + lane / 4u + 8u, column + lane % 4u * 4u, results[corner + (lane / 4u + 8u) * 5u + lane % 4u]);
}

@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let tile_row = group.y * TILE_ROWS;
    let tile_column = group.x * TILE_COLUMNS;
    // The subgroup's corner of the tile.
    let row = subgroup % 2u * 64u;
    let column = subgroup / 2u * 32u;
    // Rows 0, 16, 32 and 48 from there (first number), columns 0 and 16 (second).
    var z00: Z; var z10: Z; var z20: Z; var z30: Z;
    var z01: Z; var z11: Z; var z21: Z; var z31: Z;
    put_share(0u, index, load_share(tile_row, tile_column, 0u, index));
    workgroupBarrier();
    var turn = 0u;
    for (var first = 0u; first < params.k; first += K_TILE) {
        let next = load_share(tile_row, tile_column, first + K_TILE, index);
        let at = turn * TILE_A + row * A_ROW;
        let y0 = coopLoadT<Y>(&tile_b[turn * TILE_B + column / 4u], B_ROW);
        let y1 = coopLoadT<Y>(&tile_b[turn * TILE_B + column / 4u + 4u], B_ROW);
        let x0 = coopLoadT<X>(&tile_a[at], A_ROW);
        z00 = coopMultiplyAdd(x0, y0, z00);
        z01 = coopMultiplyAdd(x0, y1, z01);
        let x1 = coopLoadT<X>(&tile_a[at + 16u * A_ROW], A_ROW);
        z10 = coopMultiplyAdd(x1, y0, z10);
        z11 = coopMultiplyAdd(x1, y1, z11);
        let x2 = coopLoadT<X>(&tile_a[at + 32u * A_ROW], A_ROW);
        z20 = coopMultiplyAdd(x2, y0, z20);
        z21 = coopMultiplyAdd(x2, y1, z21);
        let x3 = coopLoadT<X>(&tile_a[at + 48u * A_ROW], A_ROW);
        z30 = coopMultiplyAdd(x3, y0, z30);
        z31 = coopMultiplyAdd(x3, y1, z31);
        turn = 1u - turn;
        put_share(turn, index, next);
        workgroupBarrier();
    }
    put_matrix(z00, tile_row + row, tile_column + column, subgroup, lane);
    put_matrix(z10, tile_row + row + 16u, tile_column + column, subgroup, lane);
    put_matrix(z20, tile_row + row + 32u, tile_column + column, subgroup, lane);
    put_matrix(z30, tile_row + row + 48u, tile_column + column, subgroup, lane);
    put_matrix(z01, tile_row + row, tile_column + column + 16u, subgroup, lane);
    put_matrix(z11, tile_row + row + 16u, tile_column + column + 16u, subgroup, lane);
    put_matrix(z21, tile_row + row + 32u, tile_column + column + 16u, subgroup, lane);
    put_matrix(z31, tile_row + row + 48u, tile_column + column + 16u, subgroup, lane);
}

// Gram matrix, rung 5: matrix units, with the precision of f32.
//
// The formula is in 1_naive, tiles and splits are in 2_tiled, the next K-tile is loaded early as in 4_turns. conv/9_halo_x3
// explains how two f16 hold a number and three products multiply two of them, shared/scale how they are scaled.
//
// The style loss compares two Gram matrices, so the products may not be rounded to 11 bits. Three products are cheap here:
// each feature takes part in so few multiply-adds (64 for each load, in the first layers) that even 4_turns, on a large
// GPU, takes three times as long as the loads alone.
//
// Both operands are features. Workgroup memory holds them as [position][64 channels], which is A by columns and B by rows:
// a matrix load can take either. A has the columns of the Gram matrix and B its rows, so that a stored C has four rows of one
// column as a vec4, the layout of partials.
//
// Launch: workgroups of 128, four subgroups of 32; x and y cover column and row tiles of 64, z splits of the positions. A
//         subgroup computes 32 by 32 results: 4 C.
// Reads:  a K-tile of 16 positions is 4 vec4 an invocation for 4 x 12 products of 4096 multiply-adds: an eighth of a byte for
//         each multiply-add of the result, as in 4_turns.
// Costs:  32 registers for sums, 16 for the next K-tile, 32 for A and B. Workgroup memory is 23 KiB.

enable f16;
enable wgpu_cooperative_matrix;

#import shared/scale

struct Params { channels: u32, positions: u32, splits: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;            // [channels / 4][positions]
@group(0) @binding(1) var<storage, read_write> partials: array<vec4<f32>>; // [splits][channels / 4][channels]
@group(0) @binding(2) var<uniform> params: Params;

alias Columns = coop_mat16x16<f16, A>;
alias Rows = coop_mat16x16<f16, B>;
alias Sums = coop_mat16x16<f32, C>;

const TILE_BLOCKS = 16u;  // blocks of four channels along an edge of the tile
const K_TILE = 16u;       // positions
const LINE = 18u;         // vec4 a position: 64 channels and padding, so that lines start in other banks
const LO = 288u;          // from hi to lo: K_TILE * LINE
const BUFFER = 576u;      // from one K-tile to the other: hi and lo
const RESULT_ROW = 5u;    // vec4 a column: 16 rows and padding

var<workgroup> tile_rows: array<vec4<f16>, 1152>;     // [2 K-tiles][hi and lo][K_TILE][LINE]
var<workgroup> tile_columns: array<vec4<f16>, 1152>;  // the same
var<workgroup> results: array<vec4<f32>, 320>;        // [4 subgroups][16 columns][RESULT_ROW]

// The values of a K-tile that one invocation loads: two blocks of rows and two of columns, at one position.
struct Share { row: vec4<f32>, other_row: vec4<f32>, column: vec4<f32>, other_column: vec4<f32> }

fn feature(block: u32, p: u32, end: u32) -> vec4<f32> {
    if block * 4u < params.channels && p < end {
        return src[block * params.positions + p];
    }
    return vec4(0.0);
}

// Loads this invocation's share of the K-tile from position `first`; zeros beyond `end`.
fn fetch_share(group: vec3<u32>, index: u32, first: u32, end: u32) -> Share {
    let p = first + index % K_TILE;
    let row = group.y * TILE_BLOCKS + index / K_TILE;
    let column = group.x * TILE_BLOCKS + index / K_TILE;
    return Share(feature(row, p, end), feature(row + 8u, p, end), feature(column, p, end), feature(column + 8u, p, end));
}

fn put_row(at: u32, v: vec4<f32>) {
    let hi = round_to_11_bits(v);
    tile_rows[at] = vec4<f16>(hi);
    tile_rows[at + LO] = vec4<f16>(v - hi);
}

fn put_column(at: u32, v: vec4<f32>) {
    let hi = round_to_11_bits(v);
    tile_columns[at] = vec4<f16>(hi);
    tile_columns[at + LO] = vec4<f16>(v - hi);
}

fn put_share(buffer: u32, index: u32, scale: f32, share: Share) {
    let at = buffer * BUFFER + index % K_TILE * LINE + index / K_TILE;
    put_row(at, scale * share.row);
    put_row(at + 8u, scale * share.other_row);
    put_column(at, scale * share.column);
    put_column(at + 8u, scale * share.other_column);
}

// Stores one C, which lies in `results` from `first`: 16 columns from `column`, four blocks of rows from `block`.
fn finish(split: u32, block: u32, column: u32, first: u32, lane: u32, unscale: f32) {
    let blocks = (params.channels + 3u) / 4u;
    let at = column + lane % 16u;
    for (var b = lane / 16u; b < 4u; b += 2u) {
        if at < params.channels && block + b < blocks {
            let sum = results[first + lane % 16u * RESULT_ROW + b] * unscale * unscale;
            partials[(split * blocks + block + b) * params.channels + at] = sum;
        }
    }
}

@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    if group.x < group.y {
        return;
    }
    let per_split = (params.positions + params.splits - 1u) / params.splits;
    let begin = group.z * per_split;
    let end = min(begin + per_split, params.positions);
    // The subgroup's part of the tile, in channels.
    let column = subgroup % 2u * 32u;
    let row = subgroup / 2u * 32u;

    var share = fetch_share(group, index, begin, end);
    let bits = find_largest(index);
    let scale = scale_of(bits);
    var buffer = 0u;
    put_share(buffer, index, scale, share);
    workgroupBarrier();

    // Matrices of columns 0 to 15 and 16 to 31 (first number) by rows (second).
    var c00: Sums; var c01: Sums; var c10: Sums; var c11: Sums;
    for (var first = begin; first < end; first += K_TILE) {
        share = fetch_share(group, index, first + K_TILE, end);
        let a = buffer * BUFFER + column / 4u;
        let b = buffer * BUFFER + row / 4u;
        let a0 = coopLoad<Columns>(&tile_columns[a], LINE);
        let a1 = coopLoad<Columns>(&tile_columns[a + 4u], LINE);
        let b0 = coopLoadT<Rows>(&tile_rows[b], LINE);
        let b1 = coopLoadT<Rows>(&tile_rows[b + 4u], LINE);
        let a0_lo = coopLoad<Columns>(&tile_columns[LO + a], LINE);
        let a1_lo = coopLoad<Columns>(&tile_columns[LO + a + 4u], LINE);
        c00 = coopMultiplyAdd(a0_lo, b0, c00);
        c01 = coopMultiplyAdd(a0_lo, b1, c01);
        c10 = coopMultiplyAdd(a1_lo, b0, c10);
        c11 = coopMultiplyAdd(a1_lo, b1, c11);
        let b0_lo = coopLoadT<Rows>(&tile_rows[LO + b], LINE);
        let b1_lo = coopLoadT<Rows>(&tile_rows[LO + b + 4u], LINE);
        c00 = coopMultiplyAdd(a0, b0_lo, c00);
        c01 = coopMultiplyAdd(a0, b1_lo, c01);
        c10 = coopMultiplyAdd(a1, b0_lo, c10);
        c11 = coopMultiplyAdd(a1, b1_lo, c11);
        c00 = coopMultiplyAdd(a0, b0, c00);
        c01 = coopMultiplyAdd(a0, b1, c01);
        c10 = coopMultiplyAdd(a1, b0, c10);
        c11 = coopMultiplyAdd(a1, b1, c11);
        buffer = 1u - buffer;
        put_share(buffer, index, scale, share);
        workgroupBarrier();
    }

    // One C after the other goes through workgroup memory, since the edges need elements.
    let unscale = unscale_of(bits);
    let first = subgroup * 16u * RESULT_ROW;
    let block = group.y * TILE_BLOCKS + row / 4u;
    let left = group.x * TILE_BLOCKS * 4u + column;
    coopStoreT(c00, &results[first], RESULT_ROW);
    workgroupBarrier();
    finish(group.z, block, left, first, lane, unscale);
    workgroupBarrier();
    coopStoreT(c01, &results[first], RESULT_ROW);
    workgroupBarrier();
    finish(group.z, block + 4u, left, first, lane, unscale);
    workgroupBarrier();
    coopStoreT(c10, &results[first], RESULT_ROW);
    workgroupBarrier();
    finish(group.z, block, left + 16u, first, lane, unscale);
    workgroupBarrier();
    coopStoreT(c11, &results[first], RESULT_ROW);
    workgroupBarrier();
    finish(group.z, block + 4u, left + 16u, first, lane, unscale);
}

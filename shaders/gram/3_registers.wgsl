// Gram matrix, rung 3: eight by eight results an invocation, in registers.
//
// The formula is in 1_naive, tiles and splits are in 2_tiled, outer products and banks in conv/3_registers. At one
// position eight rows and eight columns, 16 values, have an outer product of 64 terms. The K-tile is stored in workgroup
// memory as [position][channel], one f32 an element; each vec4 is split when it is stored. Rows are 65 elements long, so
// that the 16 positions that neighbours write are in different banks.
//
// Launch: workgroups of 8 x 8; x and y cover column and row tiles of 64, z splits of the positions.
// Reads:  a K-tile of 16 positions is 8 vec4 an invocation for 1024 multiply-adds, an eighth of a byte each; from
//         workgroup memory one byte each instead of five.
// Costs:  as conv/3_registers: some 100 registers, 8320 bytes of workgroup memory.
// Next:   4_turns takes two steps at once, those of conv/4_vectors and conv/5_turns.

#import shared/row

struct Params { channels: u32, positions: u32, splits: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;            // [channels / 4][positions]
@group(0) @binding(1) var<storage, read_write> partials: array<vec4<f32>>; // [splits][channels / 4][channels]
@group(0) @binding(2) var<uniform> params: Params;

const TILE_BLOCKS = 16u; // blocks of four channels along an edge of the tile
const K_TILE = 16u;      // positions
const ROW = 65u;         // a row of 64 elements and one of padding

var<workgroup> tile_rows: array<f32, 1040>;     // [K_TILE][ROW]
var<workgroup> tile_columns: array<f32, 1040>;  // [K_TILE][ROW]

fn feature(block: u32, p: u32, end: u32) -> vec4<f32> {
    if block * 4u < params.channels && p < end {
        return src[block * params.positions + p];
    }
    return vec4(0.0);
}

fn put_row(at: u32, v: vec4<f32>) {
    tile_rows[at] = v.x;
    tile_rows[at + 1u] = v.y;
    tile_rows[at + 2u] = v.z;
    tile_rows[at + 3u] = v.w;
}

fn put_column(at: u32, v: vec4<f32>) {
    tile_columns[at] = v.x;
    tile_columns[at + 1u] = v.y;
    tile_columns[at + 2u] = v.z;
    tile_columns[at + 3u] = v.w;
}

fn put_sum(split: u32, row_block: u32, column: u32, sum: vec4<f32>) {
    let blocks = (params.channels + 3u) / 4u;
    if row_block < blocks && column < params.channels {
        partials[(split * blocks + row_block) * params.channels + column] = sum;
    }
}

// One block of rows at eight columns, 8 apart.
fn put_sums(split: u32, row_block: u32, column: u32, sums: ptr<function, Row>) {
    put_sum(split, row_block, column, (*sums)[0]);
    put_sum(split, row_block, column + 8u, (*sums)[1]);
    put_sum(split, row_block, column + 16u, (*sums)[2]);
    put_sum(split, row_block, column + 24u, (*sums)[3]);
    put_sum(split, row_block, column + 32u, (*sums)[4]);
    put_sum(split, row_block, column + 40u, (*sums)[5]);
    put_sum(split, row_block, column + 48u, (*sums)[6]);
    put_sum(split, row_block, column + 56u, (*sums)[7]);
}

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    if group.x < group.y {
        return;
    }
    let per_split = (params.positions + params.splits - 1u) / params.splits;
    let end = min((group.z + 1u) * per_split, params.positions);

    // Row blocks local.y and local.y + 8 of the tile, by columns local.x + 8 * {0, .., 7}.
    var low: Row;
    var high: Row;
    for (var first = group.z * per_split; first < end; first += K_TILE) {
        // All invocations are done with the previous K-tile.
        workgroupBarrier();
        let p = index % K_TILE;
        for (var block = index / K_TILE; block < TILE_BLOCKS; block += 4u) {
            put_row(p * ROW + 4u * block, feature(group.y * TILE_BLOCKS + block, first + p, end));
            put_column(p * ROW + 4u * block, feature(group.x * TILE_BLOCKS + block, first + p, end));
        }
        workgroupBarrier();
        for (var k = 0u; k < K_TILE; k++) {
            let c = k * ROW + local.x;
            let near = vec4(tile_columns[c], tile_columns[c + 8u], tile_columns[c + 16u], tile_columns[c + 24u]);
            let far = vec4(tile_columns[c + 32u], tile_columns[c + 40u], tile_columns[c + 48u], tile_columns[c + 56u]);
            let r = k * ROW + 4u * local.y;
            add_outer(&low, vec4(tile_rows[r], tile_rows[r + 1u], tile_rows[r + 2u], tile_rows[r + 3u]), near, far);
            add_outer(&high, vec4(tile_rows[r + 32u], tile_rows[r + 33u], tile_rows[r + 34u], tile_rows[r + 35u]), near, far);
        }
    }
    let row_block = group.y * TILE_BLOCKS + local.y;
    let column = group.x * TILE_BLOCKS * 4u + local.x;
    put_sums(group.z, row_block, column, &low);
    put_sums(group.z, row_block + 8u, column, &high);
}

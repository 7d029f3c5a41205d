// Gram matrix, rung 4: vec4 in workgroup memory, and two K-tiles in turns.
//
// The formula is in 1_naive, tiles and splits are in 2_tiled, the tile in registers in 3_registers. Workgroup
// memory holds vec4, as in conv/4_vectors, so that one position takes four reads for 64 multiply-adds; and there are two
// K-tiles of 8 positions, as in conv/5_turns: the features of one are loaded while the other is multiplied, and one barrier a
// K-tile is enough.
//
// Neighbours read the same position of neighbouring blocks. With eight vec4 a block all of these would be in the same
// banks, so a ninth is padding.
//
// Launch: workgroups of 8 x 8; x and y cover column and row tiles of 64, z splits of the positions. A wider tile would be
//         partly idle on the first layers, which have 64 channels.
// Reads:  a K-tile is 4 vec4 an invocation for 512 multiply-adds, an eighth of a byte each; from workgroup memory one
//         byte each, in a quarter of the instructions of 3_registers.
// Costs:  64 registers for sums, 16 for the next K-tile, 16 for operands, some 120 in all; 9 KiB of workgroup memory.
// Next:   5_cooperative_x3 multiplies on matrix units, with two f16 a number.

#import shared/row

struct Params { channels: u32, positions: u32, splits: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;            // [channels / 4][positions]
@group(0) @binding(1) var<storage, read_write> partials: array<vec4<f32>>; // [splits][channels / 4][channels]
@group(0) @binding(2) var<uniform> params: Params;

const TILE_BLOCKS = 16u; // blocks of four channels along an edge of the tile
const K_TILE = 8u;       // positions
const LINE = 9u;         // a block's positions of the K-tile and one of padding

var<workgroup> tile_rows: array<vec4<f32>, 288>;     // [2 K-tiles][TILE_BLOCKS][LINE]
var<workgroup> tile_columns: array<vec4<f32>, 288>;  // [2 K-tiles][TILE_BLOCKS][LINE]

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

fn put_share(buffer: u32, index: u32, share: Share) {
    let at = (buffer * TILE_BLOCKS + index / K_TILE) * LINE + index % K_TILE;
    tile_rows[at] = share.row;
    tile_rows[at + 8u * LINE] = share.other_row;
    tile_columns[at] = share.column;
    tile_columns[at + 8u * LINE] = share.other_column;
}

fn put_sum(split: u32, row_block: u32, column: u32, sum: vec4<f32>) {
    let blocks = (params.channels + 3u) / 4u;
    if row_block < blocks && column < params.channels {
        partials[(split * blocks + row_block) * params.channels + column] = sum;
    }
}

// One block of rows at four columns and at four more, 32 further on.
fn put_sums(split: u32, row_block: u32, column: u32, sums: ptr<function, Row>) {
    put_sum(split, row_block, column, (*sums)[0]);
    put_sum(split, row_block, column + 1u, (*sums)[1]);
    put_sum(split, row_block, column + 2u, (*sums)[2]);
    put_sum(split, row_block, column + 3u, (*sums)[3]);
    put_sum(split, row_block, column + 32u, (*sums)[4]);
    put_sum(split, row_block, column + 33u, (*sums)[5]);
    put_sum(split, row_block, column + 34u, (*sums)[6]);
    put_sum(split, row_block, column + 35u, (*sums)[7]);
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
    let begin = group.z * per_split;
    let end = min(begin + per_split, params.positions);

    // Row blocks local.y and local.y + 8 of the tile, by column blocks local.x and local.x + 8.
    var low: Row;
    var high: Row;
    var buffer = 0u;
    put_share(buffer, index, fetch_share(group, index, begin, end));
    workgroupBarrier();
    for (var first = begin; first < end; first += K_TILE) {
        let next = fetch_share(group, index, first + K_TILE, end);
        for (var p = 0u; p < K_TILE; p++) {
            let r = (buffer * TILE_BLOCKS + local.y) * LINE + p;
            let c = (buffer * TILE_BLOCKS + local.x) * LINE + p;
            let near = tile_columns[c];
            let far = tile_columns[c + 8u * LINE];
            add_outer(&low, tile_rows[r], near, far);
            add_outer(&high, tile_rows[r + 8u * LINE], near, far);
        }
        buffer = 1u - buffer;
        put_share(buffer, index, next);
        workgroupBarrier();
    }
    let row_block = group.y * TILE_BLOCKS + local.y;
    let column = (group.x * TILE_BLOCKS + local.x) * 4u;
    put_sums(group.z, row_block, column, &low);
    put_sums(group.z, row_block + 8u, column, &high);
}

// Convolution, rung 4: four numbers with an instruction.
//
// The formula is in 1_naive, the tile of results in registers in 3_registers. Workgroup memory holds vec4 as they come from
// memory: four k of a position, or four channels of a k. 3_registers takes them apart into [k][position] and [k][channel],
// and reads number by number. Four k of a position are four outer products, one a component; taking components, like
// transposing a block of weights, only renames registers. (A product of a block with a vector, as in 2_tiled, added to the
// sum, is 20 instructions for four k of a position and an output block; four outer products are 16.)
//
// Nothing else changes. No rows are padded: neighbours read neighbouring vec4, or all the same, and write neighbouring ones.
//
// Launch: workgroups of 8 x 8; x covers positions in tiles of 64, y output channels in tiles of 64, z the batch.
// Reads:  as 3_registers, an eighth of a byte a multiply-add from memory and one byte from workgroup memory. But a block of
//         four k is 16 reads for 256 multiply-adds, where 3_registers needs 64, and a K-tile of 16 is 8 stores, where it
//         needs 32.
// Costs:  64 registers for sums, 48 for operands, some 120 in all: of 65536, eight workgroups, 16 warps. Workgroup memory
//         is 8 KiB; two barriers for 16 k.
// Next:   5_turns loads the next K-tile while this one is multiplied.

override TAPS: u32 = 9u;

#import shared/weights
#import shared/store
#import shared/row
#import shared/store_row

struct Params { in_channels: u32, out_channels: u32, height: u32, width: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;      // [batch][in / 4][height][width]
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;  // [batch, or TAPS][in / 4][out / 4][4]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;     // [out / 4]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>; // [batch][out / 4][height][width]
@group(0) @binding(4) var<uniform> params: Params;

const TILE = 64u;        // positions of a workgroup's tile, and vec4 of weights of a row of the K-tile
const TILE_BLOCKS = 16u; // blocks of four output channels of a workgroup's tile
const K_BLOCKS = 4u;     // blocks of four input channels in a K-tile: its rows

var<workgroup> tile_src: array<vec4<f32>, 256>;      // [K_BLOCKS][TILE]
var<workgroup> tile_weights: array<vec4<f32>, 256>;  // [K_BLOCKS][TILE_BLOCKS][4]

// Four k of one block of output channels, at all eight positions.
fn add_block(sums: ptr<function, Row>, w: u32, s: Row) {
    let m = as_stored(mat4x4(tile_weights[w], tile_weights[w + 1u], tile_weights[w + 2u], tile_weights[w + 3u]));
    add_outer(sums, m[0], vec4(s[0].x, s[1].x, s[2].x, s[3].x), vec4(s[4].x, s[5].x, s[6].x, s[7].x));
    add_outer(sums, m[1], vec4(s[0].y, s[1].y, s[2].y, s[3].y), vec4(s[4].y, s[5].y, s[6].y, s[7].y));
    add_outer(sums, m[2], vec4(s[0].z, s[1].z, s[2].z, s[3].z), vec4(s[4].z, s[5].z, s[6].z, s[7].z));
    add_outer(sums, m[3], vec4(s[0].w, s[1].w, s[2].w, s[3].w), vec4(s[4].w, s[5].w, s[6].w, s[7].w));
}

// The invocation's eight positions of one row of the K-tile.
fn positions_of(s: u32) -> Row {
    return Row(
        tile_src[s],
        tile_src[s + 8u],
        tile_src[s + 16u],
        tile_src[s + 24u],
        tile_src[s + 32u],
        tile_src[s + 40u],
        tile_src[s + 48u],
        tile_src[s + 56u],
    );
}

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let positions = params.width * params.height;
    let in_blocks = (params.in_channels + 3u) / 4u;
    let out_blocks = (params.out_channels + 3u) / 4u;

    // Of each block of the K-tile this invocation loads one position, and vector `index % 4` of the weights of output
    // block `column`.
    let load_at = group.x * TILE + index;
    let load_xy = vec2(load_at % params.width, load_at / params.width);
    let column = group.y * TILE_BLOCKS + index / 4u;

    // Output blocks local.y and local.y + 8 of the tile, at positions local.x + 8 * {0, .., 7}.
    var low: Row;
    var high: Row;
    for (var tap = 0u; tap < TAPS; tap++) {
        let at = load_xy + select(vec2(0u), vec2(tap % 3u, tap / 3u) - 1u, TAPS == 9u);
        let inside = load_at < positions && at.x < params.width && at.y < params.height;
        let matrix = group.z * TAPS + matrix_of(tap, TAPS);
        for (var first = 0u; first < in_blocks; first += K_BLOCKS) {
            // All invocations are done with the previous K-tile.
            workgroupBarrier();
            for (var row = 0u; row < K_BLOCKS; row++) {
                let block = first + row;
                var s = vec4(0.0);
                if inside && block < in_blocks {
                    s = src[(group.z * in_blocks + block) * positions + at.y * params.width + at.x];
                }
                tile_src[row * TILE + index] = s;
                var w = vec4(0.0);
                if block < in_blocks && column < out_blocks {
                    w = weights[weight_block(matrix, block, in_blocks, column, out_blocks) + index % 4u];
                }
                tile_weights[row * TILE + index] = w;
            }
            workgroupBarrier();

            for (var row = 0u; row < K_BLOCKS; row++) {
                let s = positions_of(row * TILE + local.x);
                add_block(&low, row * TILE + local.y * 4u, s);
                add_block(&high, row * TILE + local.y * 4u + 32u, s);
            }
        }
    }
    let block = group.y * TILE_BLOCKS + local.y;
    let first = group.x * TILE + local.x;
    store_row(group.z, block, first, 8u, &low);
    store_row(group.z, block + 8u, first, 8u, &high);
}

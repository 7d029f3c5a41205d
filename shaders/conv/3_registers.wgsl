// Convolution, rung 3: eight by eight results per invocation, in registers.
//
// The formula is in 1_naive, tiles and K-tiles are in 2_tiled. For one k of the K-tile, eight inputs and eight weights
// have an outer product of 64 terms. An invocation that computes 8 positions by 8 channels therefore reads 16 values for
// 64 multiply-adds, where 2_tiled reads 20 for 16. The 64 sums stay in registers from the first K-tile to the last.
//
// The outer product needs the eight inputs of one k, so the K-tile is stored in workgroup memory as [k][position] and
// [k][channel], one f32 per element; the vec4 of four k that are loaded from memory are split. Weights are split along
// rows, or along columns if they are transposed for the backward pass (TRANSPOSED in shared/weights); the loop is the same
// for both.
//
// Workgroup memory has 32 banks on NVIDIA GPUs. Element i is in bank i % 32, and each bank serves one element at a time.
//   - Reads: an invocation's eight positions are 8 apart, so neighbouring invocations read neighbouring elements, in
//     different banks. Invocations with the same positions or channels read the same element, a broadcast.
//   - Writes of weights: four neighbours write the four k of a block. With rows of 64 elements these would all be in
//     one bank; with rows of 65 they are in four.
//
// Launch: workgroups of 8 x 8; x covers positions in tiles of 64, y output channels in tiles of 64, z the GEMMs of a
//         batch (Winograd's points; 1 for a convolution).
// Reads:  a K-tile of 16 is 8 vec4 per invocation for 1024 multiply-adds: an eighth of a byte each, half of 2_tiled. From
//         workgroup memory one byte each instead of five.
// Costs:  64 registers for sums, 16 for operands, some 100 in all. A core of an NVIDIA GPU has 65536: enough for ten
//         workgroups, 20 warps. Workgroup memory is 8320 bytes; two barriers for 16 k.
// Next:   4_vectors reads four numbers with an instruction.

override TAPS: u32 = 9u;

#import shared/weights
#import shared/store
#import shared/row
#import shared/store_row

struct Params { in_channels: u32, out_channels: u32, height: u32, width: u32 }

// A matrix of weights is that of a tap (1 or 9), or of a GEMM of the batch.
@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;      // [batch][in / 4][height][width]
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;  // [matrix][in / 4][out / 4][4]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;     // [out / 4]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>; // [batch][out / 4][height][width]
@group(0) @binding(4) var<uniform> params: Params;

const TILE = 64u;        // positions of a workgroup's tile
const TILE_BLOCKS = 16u; // blocks of four output channels of a workgroup's tile
const K_BLOCKS = 4u;     // blocks of four input channels in a K-tile
const ROW = 65u;         // a row of 64 elements and one of padding

var<workgroup> tile_src: array<f32, 1040>;      // [16][ROW]
var<workgroup> tile_weights: array<f32, 1040>;  // [16][ROW]

// Splits four inputs of one position over four rows.
fn put_src(at: u32, s: vec4<f32>) {
    tile_src[at] = s.x;
    tile_src[at + ROW] = s.y;
    tile_src[at + 2u * ROW] = s.z;
    tile_src[at + 3u * ROW] = s.w;
}

// Vector `v` of a block of weights: input v to four outputs, or, transposed, four inputs to output v.
fn put_weights(block: u32, column: u32, v: u32, w: vec4<f32>) {
    let corner = block * 4u * ROW + column * 4u;
    let at = corner + select(v * ROW, v, TRANSPOSED);
    let step = select(1u, ROW, TRANSPOSED);
    tile_weights[at] = w.x;
    tile_weights[at + step] = w.y;
    tile_weights[at + 2u * step] = w.z;
    tile_weights[at + 3u * step] = w.w;
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
                put_src(row * 4u * ROW + index, s);
                var w = vec4(0.0);
                if block < in_blocks && column < out_blocks {
                    w = weights[weight_block(matrix, block, in_blocks, column, out_blocks) + index % 4u];
                }
                put_weights(row, index / 4u, index % 4u, w);
            }
            workgroupBarrier();

            for (var k = 0u; k < 4u * K_BLOCKS; k++) {
                let s = k * ROW + local.x;
                let near = vec4(tile_src[s], tile_src[s + 8u], tile_src[s + 16u], tile_src[s + 24u]);
                let far = vec4(tile_src[s + 32u], tile_src[s + 40u], tile_src[s + 48u], tile_src[s + 56u]);
                let w = k * ROW + 4u * local.y;
                add_outer(&low, vec4(tile_weights[w], tile_weights[w + 1u], tile_weights[w + 2u], tile_weights[w + 3u]), near, far);
                add_outer(&high, vec4(tile_weights[w + 32u], tile_weights[w + 33u], tile_weights[w + 34u], tile_weights[w + 35u]), near, far);
            }
        }
    }
    let block = group.y * TILE_BLOCKS + local.y;
    let first = group.x * TILE + local.x;
    store_row(group.z, block, first, 8u, &low);
    store_row(group.z, block + 8u, first, 8u, &high);
}

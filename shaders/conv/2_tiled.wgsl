// Convolution, rung 2: implicit GEMM with tiles in workgroup memory.
//
// The formula is in 1_naive. Seen as a matrix product, the weights (out x K) meet a matrix of
// picture patches (K x positions) with K = TAPS * in_channels; the patches are never written out
// ("implicit"), only gathered K-tile by K-tile. A workgroup owns a tile of 32 positions by 32 output
// channels, each invocation one position by four channels of it, as in 1_naive. It walks K in K-tiles
// of 16 (four blocks of input channels under one tap): together the invocations load the K-tile's
// 16 x 32 inputs and 16 x 32 weights into workgroup memory, wait, and then each multiplies out of it.
// Two barriers a K-tile: one so that the K-tile is there, one so that nobody overwrites what others
// still read.
//
// Launch: workgroups of 32 x 8; x covers positions in tiles of 32, y output channels in tiles of 32,
//         z products.
// Reads:  a K-tile is 256 vec4, one an invocation, for 32 * 32 * 16 multiply-adds: a quarter of a byte
//         each, 20 times less than naive. Workgroup memory takes naive's place: five vec4 for 16
//         multiply-adds are five bytes each, and that is now what invocations wait for.
// Next:   3_registers computes more results an invocation, so that each number that was read from
//         workgroup memory is used eight times.

override TAPS: u32 = 9u;

#import shared/weights
#import shared/store

struct Params { in_channels: u32, out_channels: u32, height: u32, width: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;      // [batch][in / 4][height][width]
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;  // [batch, or TAPS][in / 4][out / 4][4]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;     // [out / 4]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>; // [batch][out / 4][height][width]
@group(0) @binding(4) var<uniform> params: Params;

const TILE = 32u;         // positions a workgroup
const TILE_BLOCKS = 8u;   // blocks of four output channels a workgroup
const K_BLOCKS = 4u;   // blocks of four input channels a K-tile

var<workgroup> tile_src: array<vec4<f32>, 128>;      // [K_BLOCKS][TILE]
var<workgroup> tile_weights: array<vec4<f32>, 128>;  // [K_BLOCKS][TILE_BLOCKS][4]

@compute @workgroup_size(32, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let positions = params.width * params.height;
    let in_blocks = (params.in_channels + 3u) / 4u;
    let out_blocks = (params.out_channels + 3u) / 4u;

    // What this invocation loads. The first half takes inputs, of block `load_row` at position
    // `load_at`; the second half weights, one of the four vectors of a block.
    let half = index % 128u;
    let load_row = half / 32u;
    let load_at = group.x * TILE + half % TILE;
    let load_xy = vec2(load_at % params.width, load_at / params.width);
    let column = group.y * TILE_BLOCKS + half % 32u / 4u;

    var sum = vec4(0.0);
    for (var tap = 0u; tap < TAPS; tap++) {
        // Below zero wraps to a huge number, so one comparison finds both edges.
        let at = load_xy + select(vec2(0u), vec2(tap % 3u, tap / 3u) - 1u, TAPS == 9u);
        let inside = load_at < positions && at.x < params.width && at.y < params.height;
        let matrix = group.z * TAPS + matrix_of(tap, TAPS);
        for (var first = 0u; first < in_blocks; first += K_BLOCKS) {
            let block = first + load_row;
            // Everyone is done with the previous K-tile.
            workgroupBarrier();
            if index < 128u {
                var s = vec4(0.0);
                if inside && block < in_blocks {
                    s = src[(group.z * in_blocks + block) * positions + at.y * params.width + at.x];
                }
                tile_src[half] = s;
            } else {
                var w = vec4(0.0);
                if block < in_blocks && column < out_blocks {
                    w = weights[weight_block(matrix, block, in_blocks, column, out_blocks) + half % 4u];
                }
                tile_weights[half] = w;
            }
            workgroupBarrier();

            for (var row = 0u; row < K_BLOCKS; row++) {
                let w = (row * TILE_BLOCKS + local.y) * 4u;
                let m = mat4x4(tile_weights[w], tile_weights[w + 1u], tile_weights[w + 2u], tile_weights[w + 3u]);
                sum += as_stored(m) * tile_src[row * TILE + local.x];
            }
        }
    }
    store(group.z, group.y * TILE_BLOCKS + local.y, group.x * TILE + local.x, sum);
}

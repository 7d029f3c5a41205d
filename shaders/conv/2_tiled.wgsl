// Convolution, rung 2: implicit GEMM with tiles in workgroup memory.
//
// The formula is in 1_naive. As a GEMM, the weights (out x K) are multiplied by a matrix of patches of the input
// (K x positions), with K = TAPS * in_channels. The patches are never stored ("implicit"), only gathered one K-tile at a
// time. A workgroup computes a tile of 32 positions by 32 output channels, each invocation one position by four
// channels of it, as in 1_naive. It iterates over K in K-tiles of 16 (four blocks of input channels under one tap): the
// invocations together load the K-tile's 16 x 32 inputs and 16 x 32 weights into workgroup memory, wait, and multiply
// from there. Each K-tile has two barriers: before the multiplication, so that the K-tile is complete, and after it, so
// that no invocation overwrites values that others still read.
//
// Launch: workgroups of 32 x 8; x covers positions in tiles of 32, y output channels in tiles of 32, z the batch.
// Reads:  a K-tile is 256 vec4, one an invocation, for 32 * 32 * 16 multiply-adds: a quarter of a byte each, 20 times
//         less than naive. Workgroup memory is the new bound: five vec4 for 16 multiply-adds are five bytes each.
// Costs:  some 32 registers; 4 KiB of workgroup memory; two barriers for 16 k.
// Next:   3_registers computes more results an invocation, so that each value read from workgroup memory is used
//         eight times.

override TAPS: u32 = 9u;

#import shared/weights
#import shared/store

struct Params { in_channels: u32, out_channels: u32, height: u32, width: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;      // [batch][in / 4][height][width]
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;  // [batch, or TAPS][in / 4][out / 4][4]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;     // [out / 4]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>; // [batch][out / 4][height][width]
@group(0) @binding(4) var<uniform> params: Params;

const TILE = 32u;         // positions of a workgroup's tile
const TILE_BLOCKS = 8u;   // blocks of four output channels of a workgroup's tile
const K_BLOCKS = 4u;      // blocks of four input channels in a K-tile

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

    // The first half of the invocations loads inputs, of block `load_row` at position `load_at`; the second half loads
    // weights, one of the four vectors of a block.
    let half = index % 128u;
    let load_row = half / 32u;
    let load_at = group.x * TILE + half % TILE;
    let load_xy = vec2(load_at % params.width, load_at / params.width);
    let column = group.y * TILE_BLOCKS + half % 32u / 4u;

    var sum = vec4(0.0);
    for (var tap = 0u; tap < TAPS; tap++) {
        // Below zero wraps around to a large number, so one comparison finds both edges.
        let at = load_xy + select(vec2(0u), vec2(tap % 3u, tap / 3u) - 1u, TAPS == 9u);
        let inside = load_at < positions && at.x < params.width && at.y < params.height;
        let matrix = group.z * TAPS + matrix_of(tap, TAPS);
        for (var first = 0u; first < in_blocks; first += K_BLOCKS) {
            let block = first + load_row;
            // All invocations are done with the previous K-tile.
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

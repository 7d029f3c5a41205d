// Convolution, rung 2: implicit GEMM with tiles in workgroup memory.
//
// The formula is in 1_naive. Seen as a matrix product, the weights (out x K) meet a matrix of
// picture patches (K x positions) with K = TAPS * in_channels; the patches are never written out
// ("implicit"), only gathered slab by slab. A workgroup owns a tile of 64 positions by 64 output
// channels. It walks K in slabs of 16 (four blocks of input channels under one tap): all
// invocations together load the slab's 16 x 64 inputs and 16 x 64 weights into workgroup memory,
// wait, and then each multiplies its own 4 positions by 4 channels out of it.
//
// Launch: workgroups of 16 x 16; x covers positions in tiles of 64, y output channels in tiles of 64,
//         z products.
// Reads:  a slab costs 2 vec4 an invocation for 256 multiply-adds: 1 byte for 8, forty times less
//         than naive. Inside, each invocation reads 32 vec4 of workgroup memory for those 256.
// Next:   more results an invocation (8x8), so that workgroup memory is read less often.

override TAPS: u32 = 9u;
override RELU: bool = false;
override ACCUMULATE: bool = false;

#import shared/weights

struct Params { in_channels: u32, out_channels: u32, height: u32, width: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;      // [product][in / 4][height][width]
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;  // [product, or TAPS][in / 4][out / 4][4]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;     // [out / 4]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>; // [product][out / 4][height][width]
@group(0) @binding(4) var<uniform> params: Params;

const TILE = 64u;         // positions a workgroup
const SLAB_BLOCKS = 4u;   // blocks of four input channels a slab

var<workgroup> slab_src: array<vec4<f32>, 256>;      // [SLAB_BLOCKS][TILE]
var<workgroup> slab_weights: array<vec4<f32>, 256>;  // [SLAB_BLOCKS][4][16 blocks of out]

@compute @workgroup_size(16, 16)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let positions = params.width * params.height;
    let in_blocks = (params.in_channels + 3u) / 4u;
    let out_blocks = (params.out_channels + 3u) / 4u;

    // What this invocation loads: input block `load_row` at position `load_at`, and one of the four
    // vectors of a block of weights.
    let load_row = index / TILE;
    let load_at = group.x * TILE + index % TILE;
    let load_xy = vec2(load_at % params.width, load_at / params.width);
    let weight_row = index / 64u;
    let weight_column = group.y * 16u + index % 64u / 4u;

    // What it computes: positions local.x + 16 * {0, 1, 2, 3} of the tile, output block local.y.
    var sums = array<vec4<f32>, 4>();
    for (var tap = 0u; tap < TAPS; tap++) {
        let at = load_xy + select(vec2(0u), vec2(tap % 3u, tap / 3u) - 1u, TAPS == 9u);
        let inside = load_at < positions && at.x < params.width && at.y < params.height;
        for (var first = 0u; first < in_blocks; first += SLAB_BLOCKS) {
            // Everyone is done with the previous slab.
            workgroupBarrier();
            var s = vec4(0.0);
            if inside && first + load_row < in_blocks {
                s = src[(group.z * in_blocks + first + load_row) * positions + at.y * params.width + at.x];
            }
            slab_src[index] = s;
            var w = vec4(0.0);
            if first + weight_row < in_blocks && weight_column < out_blocks {
                let matrix = group.z * TAPS + matrix_of(tap, TAPS);
                w = weights[weight_block(matrix, first + weight_row, in_blocks, weight_column, out_blocks) + index % 4u];
            }
            slab_weights[weight_row * 64u + index % 4u * 16u + index % 64u / 4u] = w;
            workgroupBarrier();

            for (var block = 0u; block < SLAB_BLOCKS; block++) {
                let row = block * 64u + local.y;
                let m = as_stored(mat4x4(slab_weights[row], slab_weights[row + 16u], slab_weights[row + 32u], slab_weights[row + 48u]));
                for (var p = 0u; p < 4u; p++) {
                    sums[p] += m * slab_src[block * TILE + local.x + 16u * p];
                }
            }
        }
    }

    let block = group.y * 16u + local.y;
    for (var p = 0u; p < 4u; p++) {
        let at = group.x * TILE + local.x + 16u * p;
        if at < positions && block < out_blocks {
            var sum = sums[p] + bias[block];
            if RELU {
                sum = max(sum, vec4(0.0));
            }
            let i = (group.z * out_blocks + block) * positions + at;
            if ACCUMULATE {
                sum += dst[i];
            }
            dst[i] = sum;
        }
    }
}

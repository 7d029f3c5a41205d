// Convolution, rung 1: the definition. One invocation computes four outputs.
//
//   dst[o, y, x] = bias[o] + sum over taps t and input channels c of weights[t][c][o] * src[c, y + dy(t), x + dx(t)]
//
// with zeros outside the feature map. TAPS is 9 for a 3x3 kernel (t = 3 * (dy + 1) + dx + 1) and 1 for a 1x1 kernel,
// which is a GEMM. The gradient of the input is the same sum with the weights rotated by 180 degrees and their channels
// exchanged (TRANSPOSED), so this file computes both passes. A launch can compute a batch of GEMMs, each with its own
// src, weights and dst.
//
// Launch: workgroups of 64; x covers positions, y blocks of four output channels, z the batch.
// Reads:  for each of TAPS * in_channels terms one weight (a vec4 over the four outputs) and a quarter of an input vec4.
//         Nothing is shared: neighbours load the same inputs again. A multiply-add reads about five bytes, so memory,
//         not arithmetic, bounds the speed.
// Costs:  nothing: four sums and an index in registers.
// Next:   2_tiled loads each value once for a whole tile of outputs.

override TAPS: u32 = 9u;
// Replace negative results by zero: the ReLU that follows, without a pass over memory of its own.
override RELU: bool = false;
// Add to dst, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

#import shared/weights

struct Params { in_channels: u32, out_channels: u32, height: u32, width: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;      // [batch][in / 4][height][width]
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;  // [batch, or TAPS][in / 4][out / 4][4]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;     // [out / 4]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>; // [batch][out / 4][height][width]
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let size = vec2(params.width, params.height);
    let positions = size.x * size.y;
    let in_blocks = (params.in_channels + 3u) / 4u;
    let out_blocks = (params.out_channels + 3u) / 4u;
    if id.x >= positions {
        return;
    }
    var sum = bias[id.y];
    for (var tap = 0u; tap < TAPS; tap++) {
        // Below zero wraps around to a large number, so one comparison finds both edges.
        let shift = select(vec2(0u), vec2(tap % 3u, tap / 3u) - 1u, TAPS == 9u);
        let at = vec2(id.x % size.x, id.x / size.x) + shift;
        if at.x >= size.x || at.y >= size.y {
            continue;
        }
        for (var block = 0u; block < in_blocks; block++) {
            let s = src[(id.z * in_blocks + block) * positions + at.y * size.x + at.x];
            let w = weight_block(id.z * TAPS + matrix_of(tap, TAPS), block, in_blocks, id.y, out_blocks);
            sum += as_stored(mat4x4(weights[w], weights[w + 1u], weights[w + 2u], weights[w + 3u])) * s;
        }
    }
    let i = (id.z * out_blocks + id.y) * positions + id.x;
    if RELU {
        sum = max(sum, vec4(0.0));
    }
    if ACCUMULATE {
        sum += dst[i];
    }
    dst[i] = sum;
}

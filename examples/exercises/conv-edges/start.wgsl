// op: conv3x3
//
// Exercise: at the edges a tap lies outside the feature map, where everything is zero. This kernel reads what happens to lie there in
// memory: which numbers are these, at the left edge, at the right, above the first row?

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
        // Here: positions outside the feature map count as zero.
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

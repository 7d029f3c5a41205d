// op: gram
//
// Answer: split z takes positions z, z + splits, .. Neighbours in x are columns, channels of one position, so either way to divide
// reads the same; what matters is that each position is in one split.

struct Params { channels: u32, positions: u32, splits: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;            // [channels / 4][positions]
@group(0) @binding(1) var<storage, read_write> partials: array<vec4<f32>>; // [splits][channels / 4][channels]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= params.channels {
        return;
    }
    let column = id.x / 4u * params.positions;
    let rows = id.y * params.positions;
    var sum = vec4(0.0);
    for (var p = id.z; p < params.positions; p += params.splits) {
        sum += src[rows + p] * src[column + p][id.x % 4u];
    }
    let blocks = (params.channels + 3u) / 4u;
    partials[(id.z * blocks + id.y) * params.channels + id.x] = sum;
}

// op: gram
//
// Exercise: z of the grid counts splits, each of which should add a part of the positions to a matrix of its own; gram/finish adds
// these matrices. Here every split adds all positions. Which of the two ways to divide them, every position of one remainder or a piece
// in a row, reads neighbours with neighbours?

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
    for (var p = 0u; p < params.positions; p++) {
        sum += src[rows + p] * src[column + p][id.x % 4u];
    }
    let blocks = (params.channels + 3u) / 4u;
    partials[(id.z * blocks + id.y) * params.channels + id.x] = sum;
}

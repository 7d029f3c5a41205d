// Gram matrix, last stage: adds the splits, divides by the number of positions, mirrors the triangle.
//
//   G[i][j] = scale * sum over splits s of partials[s][i][j]
//
// Tiles of `tile` rows and columns below the diagonal were not computed: their elements are read from the other side of
// the diagonal. Launch: x covers columns j, y blocks of four rows i.

struct Params { channels: u32, splits: u32, tile: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> partials: array<vec4<f32>>; // [splits][channels / 4][channels]
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>; // [channels / 4][channels]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x;
    if column >= params.channels {
        return;
    }
    let blocks = (params.channels + 3u) / 4u;
    let mirrored = id.y * 4u / params.tile > column / params.tile;
    var sum = vec4(0.0);
    for (var split = 0u; split < params.splits; split++) {
        let base = split * blocks * params.channels;
        if !mirrored {
            sum += partials[base + id.y * params.channels + column];
            continue;
        }
        let across = base + column / 4u * params.channels + id.y * 4u;
        for (var k = 0u; k < 4u; k++) {
            if id.y * 4u + k < params.channels {
                sum[k] += partials[across + k][column % 4u];
            }
        }
    }
    dst[id.y * params.channels + column] = params.scale * sum;
}

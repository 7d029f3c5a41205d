// Gram matrix, rung 1: the definition.
//
//   G[i][j] = 1 / M * sum over the M positions p of F[i, p] * F[j, p]
//
// An element says how strongly two feature maps are active at the same positions, wherever these are: Gatys' measure of
// style. This kernel writes plain sums; gram/finish divides by M.
//
// Launch: x covers columns j, y blocks of four rows i, z splits of the positions: split z adds positions p = z,
//         z + splits, ... to its own matrix, so that small matrices still fill a device.
// Reads:  five values a position for four multiply-adds, none of them shared with a neighbour.
// Costs:  nothing: four sums in registers.
// Next:   2_tiled loads each feature once for 32 rows.

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

// Winograd, input transform: tiles of the input become values at points, V = B' d B.
//
// The kernel that imports this also imports the transform, and a `fetch(i)` that reads the vec4 of index i of the input. A
// tile is POINTS x POINTS inputs and yields OUTPUTS x OUTPUTS outputs; neighbouring tiles overlap by two, and values outside
// the feature map are zero. Each of the POINTS^2 values of a tile belongs to a GEMM of its own, with V[point] of
// [in / 4][tiles] as input, and the transformed weights.
//
// One band of tiles is transformed at a time, so that V stays small for any image.
//
// Launch: one invocation a tile of the band and block of four channels. It reads POINTS^2 vec4 and writes as many.

struct Params { blocks: u32, height: u32, width: u32, tiles_across: u32, first_tile: u32, tiles: u32 }

@group(0) @binding(1) var<storage, read_write> values: array<vec4<f32>>;  // [POINTS * POINTS][in / 4][tiles of the band]
@group(0) @binding(2) var<uniform> params: Params;

struct Tile {
    corner: vec2<u32>,
    plane: u32,  // index of the first vec4 of its block of channels
    id: u32,
}

fn load_at(tile: Tile, x: u32, y: u32) -> vec4<f32> {
    let at = tile.corner + vec2(x, y);
    let inside = at.x < params.width && at.y < params.height;
    return select(vec4(0.0), fetch(tile.plane + select(0u, at.y * params.width + at.x, inside)), inside);
}

fn store_at(tile: Tile, x: u32, y: u32, value: vec4<f32>) {
    values[(y * POINTS + x) * params.blocks * params.tiles + tile.id] = value;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let id = linear_index(group, grid, local, 64u);
    if id >= params.blocks * params.tiles {
        return;
    }
    let block = id / params.tiles;
    let tile = params.first_tile + id % params.tiles;
    // One position up and left of the outputs; at the edge this wraps around to a large number, which is outside.
    let corner = OUTPUTS * vec2(tile % params.tiles_across, tile / params.tiles_across) - 1u;
    transform_input(Tile(corner, block * params.height * params.width, id));
}

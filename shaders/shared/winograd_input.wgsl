// Winograd, input transform: tiles of the input become values at points, V = B' d B.
//
// The kernel that imports this also imports the transform, and a `fetch(i)` that reads element i of the input. An element is
// a vec4 or one of its PARTS. A tile is POINTS x POINTS inputs and yields OUTPUTS x OUTPUTS outputs; neighbouring tiles
// overlap by two, and values outside the feature map are zero. Each of the POINTS^2 values of a tile belongs to a GEMM of
// its own, with V[point] of [in / 4][tiles] as input, and the transformed weights.
//
// One band of tiles is transformed at a time, so that V stays small for any image.
//
// Launch: one invocation a tile of the band, block of four channels, and part of a vec4. Neighbours write neighbouring
//         elements.
// Reads:  POINTS^2 elements a tile, of which neighbouring tiles share a part in the cache, and writes as many.
// Tried:  invocations of a vec4 each need some 150 registers for F(4x4), so that few are resident to hide the latency of
//         memory. Alone they moved 2.8 TB/s on an H200 (27 November 2026), invocations of a number 3.05, of a roof of 4.1. In an
//         evaluation, where vec4 moved 1.2 to 1.5 in bands of 32 MiB, they move 2.4 to 2.9 in larger bands where layers are wide.

struct Params { blocks: u32, height: u32, width: u32, tiles_across: u32, first_tile: u32, tiles: u32 }

@group(0) @binding(1) var<storage, read_write> values: array<Element>;  // [POINTS * POINTS][in / 4][tiles of the band][PARTS]
@group(0) @binding(2) var<uniform> params: Params;

struct Tile {
    corner: vec2<u32>,
    plane: u32,  // index of the first element of its channel, or block of channels
    id: u32,
}

fn load_at(tile: Tile, x: u32, y: u32) -> Element {
    let at = tile.corner + vec2(x, y);
    let inside = at.x < params.width && at.y < params.height;
    return select(Element(), fetch(tile.plane + PARTS * select(0u, at.y * params.width + at.x, inside)), inside);
}

fn store_at(tile: Tile, x: u32, y: u32, value: Element) {
    values[(y * POINTS + x) * params.blocks * params.tiles * PARTS + tile.id] = value;
}

// For the transform of outputs, which is in the same file.
fn end_row(tile: Tile, y: u32) {}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let id = linear_index(group, grid, local, 64u);
    if id >= params.blocks * params.tiles * PARTS {
        return;
    }
    let block = id / PARTS / params.tiles;
    let tile = params.first_tile + id / PARTS % params.tiles;
    // One position up and left of the outputs; at the edge this wraps around to a large number, which is outside.
    let corner = OUTPUTS * vec2(tile % params.tiles_across, tile / params.tiles_across) - 1u;
    transform_input(Tile(corner, block * params.height * params.width * PARTS + id % PARTS, id));
}

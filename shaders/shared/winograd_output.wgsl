// Winograd, output transform: results of the GEMMs at points become outputs, y = A' M A, with the epilogue.
//
// The kernel that imports this also imports the transform; a `fetch(i)` that reads the vec4 of index i of the results,
// [POINTS * POINTS][out / 4][tiles of the band]; and how a row of a tile is stored, shared/winograd_direct or
// shared/winograd_staged.
//
// Launch: one invocation a tile of the band and block of four channels.
// Reads:  POINTS^2 vec4, and writes OUTPUTS^2, fewer at the right and lower edge.

override RELU: bool = false;
override ACCUMULATE: bool = false;

struct Params { blocks: u32, height: u32, width: u32, tiles_across: u32, first_tile: u32, tiles: u32 }

@group(0) @binding(1) var<storage, read> bias: array<vec4<f32>>;      // [out / 4]
@group(0) @binding(2) var<storage, read_write> dst: array<vec4<f32>>; // [out / 4][height][width]
@group(0) @binding(3) var<uniform> params: Params;

struct Tile {
    corner: vec2<u32>,
    block: u32,
    id: u32,
    bias: vec4<f32>,  // loaded once a tile; store_output would load it once an output
}

fn tile_of(id: u32) -> Tile {
    let block = id / params.tiles;
    let tile = params.first_tile + id % params.tiles;
    let corner = OUTPUTS * vec2(tile % params.tiles_across, tile / params.tiles_across);
    return Tile(corner, block, id, bias[block]);
}

fn load_at(tile: Tile, x: u32, y: u32) -> vec4<f32> {
    return fetch((y * POINTS + x) * params.blocks * params.tiles + tile.id);
}

fn store_output(tile: Tile, x: u32, y: u32, value: vec4<f32>) {
    let at = tile.corner + vec2(x, y);
    if at.x >= params.width || at.y >= params.height {
        return;
    }
    var sum = value + tile.bias;
    if RELU {
        sum = max(sum, vec4(0.0));
    }
    let i = (tile.block * params.height + at.y) * params.width + at.x;
    if ACCUMULATE {
        sum += dst[i];
    }
    dst[i] = sum;
}

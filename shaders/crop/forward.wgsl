// A rectangle cut out of feature maps: dst[c][y][x] = src[c][y + top][x + left], for every map c.
//
// What is left out of the maps of a tile is its margin: positions that the tile needs for others to be
// right, but that belong to a neighbour. It is also the way back of stack/forward: each band gets its rows of
// the gradient, and may have to add them.
//
// Launch: one invocation for each position (x, y) of dst and block of four channels (z).

// Add to what dst holds, for gradients that arrive from several sides.
override ACCUMULATE: bool = false;

struct Params { height: u32, width: u32, top: u32, left: u32, dst_height: u32, dst_width: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;        // [channels / 4][height][width]
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;  // [channels / 4][dst_height][dst_width]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= params.dst_width || id.y >= params.dst_height {
        return;
    }
    let place = (id.z * params.height + id.y + params.top) * params.width + id.x + params.left;
    let i = (id.z * params.dst_height + id.y) * params.dst_width + id.x;
    var value = src[place];
    if ACCUMULATE {
        value += dst[i];
    }
    dst[i] = value;
}

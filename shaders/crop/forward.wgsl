// Cropping: a rectangle of feature maps, dst[c][y][x] = src[c][y + top][x + left] for every map c.
//
// It cuts off the halo of a tile or band: positions that belong to a neighbour and are only computed because others depend
// on them. It is also the backward pass of stack/forward, where each band gets its rows of the gradient.
//
// Launch: one invocation for each position (x, y) of dst and block of four channels (z).
// Reads:  4 bytes a number, and writes 4: the speed of a copy.

// Add to dst, for values with several consumers, whose gradients are summed.
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

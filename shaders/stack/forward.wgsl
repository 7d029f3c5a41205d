// Stacking: bands of feature maps, one below the other, dst[c][y + top][x] = src[c][y][x] for every map c.
//
// A block of the network that is computed in bands of rows ends with a pooled result for each band. Stacked, these are the
// pooled features of the whole image, the input of the next block. The backward pass crops the gradient for each band:
// crop/forward.
//
// Launch: for each band one invocation for each position (x, y) of src and block of four channels (z).
// Reads:  4 bytes a number, and writes 4: the speed of a copy.

struct Params { height: u32, width: u32, top: u32, dst_height: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;        // [channels / 4][height][width]
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;  // [channels / 4][dst_height][width]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= params.width || id.y >= params.height {
        return;
    }
    let place = (id.z * params.dst_height + id.y + params.top) * params.width + id.x;
    dst[place] = src[(id.z * params.height + id.y) * params.width + id.x];
}

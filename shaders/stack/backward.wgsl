// Stacking backward: each band gets its rows of the gradient.
//
//   d_src[c][y][x] (+)= d_dst[c][y + top][x]
//
// Launch: for each band one invocation for each position (x, y) of it and block of four channels (z).

// Add to what d_src holds, for gradients that arrive from several sides.
override ACCUMULATE: bool = false;

struct Params { height: u32, width: u32, top: u32, dst_height: u32 }

@group(0) @binding(0) var<storage, read> d_dst: array<vec4<f32>>;        // [channels / 4][dst_height][width]
@group(0) @binding(1) var<storage, read_write> d_src: array<vec4<f32>>;  // [channels / 4][height][width]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= params.width || id.y >= params.height {
        return;
    }
    let i = (id.z * params.height + id.y) * params.width + id.x;
    var d = d_dst[(id.z * params.dst_height + id.y + params.top) * params.width + id.x];
    if ACCUMULATE {
        d += d_src[i];
    }
    d_src[i] = d;
}

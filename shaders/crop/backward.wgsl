// Cropping backward: the gradient of the rectangle, and zeros around it.
//
//   d_src[c][y][x] (+)= d_dst[c][y - top][x - left]   inside the rectangle, 0 outside
//
// Launch: one invocation for each position (x, y) of src and block of four channels (z), since the zeros outside are
//         written too. With ACCUMULATE the outside stays as it is.
// Reads:  4 bytes a number inside, and writes 4 everywhere.

// Add to d_src, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

struct Params { height: u32, width: u32, top: u32, left: u32, dst_height: u32, dst_width: u32 }

@group(0) @binding(0) var<storage, read> d_dst: array<vec4<f32>>;        // [channels / 4][dst_height][dst_width]
@group(0) @binding(1) var<storage, read_write> d_src: array<vec4<f32>>;  // [channels / 4][height][width]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= params.width || id.y >= params.height {
        return;
    }
    let i = (id.z * params.height + id.y) * params.width + id.x;
    // Above and to the left of the rectangle these wrap around to large numbers.
    let x = id.x - params.left;
    let y = id.y - params.top;
    if x >= params.dst_width || y >= params.dst_height {
        if !ACCUMULATE {
            d_src[i] = vec4(0.0);
        }
        return;
    }
    var d = d_dst[(id.z * params.dst_height + y) * params.dst_width + x];
    if ACCUMULATE {
        d += d_src[i];
    }
    d_src[i] = d;
}

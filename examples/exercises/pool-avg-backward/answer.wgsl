// op: pool_avg, backward
//
// Answer: each element of a window gets a quarter of its gradient, and an element that was in no window gets zero.

// Add to d_src, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

struct Params { channels: u32, height: u32, width: u32 }  // of d_src

@group(0) @binding(0) var<storage, read> d_dst: array<vec4<f32>>;       // [channels / 4][height / 2][width / 2]
@group(0) @binding(1) var<storage, read_write> d_src: array<vec4<f32>>; // [channels / 4][height][width]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= params.width || id.y >= params.height {
        return;
    }
    let out = vec2(params.width / 2u, params.height / 2u);
    let window = id.xy / 2u;
    var d = vec4(0.0);
    if window.x < out.x && window.y < out.y {
        d = 0.25 * d_dst[(id.z * out.y + window.y) * out.x + window.x];
    }
    let i = (id.z * params.height + id.y) * params.width + id.x;
    if ACCUMULATE {
        d += d_src[i];
    }
    d_src[i] = d;
}

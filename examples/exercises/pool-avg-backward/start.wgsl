// op: pool_avg, backward
//
// Exercise: derive the backward pass. dst = (a + b + c + d) / 4, so each of the four gets a quarter of the gradient. One invocation
// is one element of the input, so that each is written once. Where ACCUMULATE is true, add to what is there.

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
    // Here: what an element of this window gets, and what one of a row or column that was dropped gets.
    let d = vec4(0.0);
    let i = (id.z * params.height + id.y) * params.width + id.x;
    d_src[i] = d;
}

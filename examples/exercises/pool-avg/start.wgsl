// op: pool_avg
//
// Exercise: the mean of 2 x 2 elements. This kernel takes two of them. How far apart are elements that lie below each other, and
// how far two channels of one position?

struct Params { channels: u32, height: u32, width: u32 }  // of src

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;       // [channels / 4][height][width]
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>; // [channels / 4][height / 2][width / 2]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let out = vec2(params.width / 2u, params.height / 2u);
    if id.x >= out.x || id.y >= out.y {
        return;
    }
    let i = (id.z * params.height + 2u * id.y) * params.width + 2u * id.x;
    dst[(id.z * out.y + id.y) * out.x + id.x] = 0.25 * (src[i] + src[i + 1u]);
}

// Gram matrix backward, first stage: the matrix that the features are multiplied by.
//
//   d_F = S F,   S = scale * (d_G + transpose of d_G),   scale = 1 / M
//
// since each feature map occurs twice in G = F F' / M. S is written in the layout of convolution weights, blocks of four
// inputs, a vec4 over four outputs each; S F is then a 1x1 convolution.
//
// Launch: x covers input channels (padding gets 0), y blocks of four outputs.
// Reads:  two elements, one of them across, for each that is written: channels^2 numbers in all, few.

struct Params { channels: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> d_gram: array<vec4<f32>>;       // [channels / 4][channels]
@group(0) @binding(1) var<storage, read_write> matrix: array<vec4<f32>>; // [in / 4][out / 4][4]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let blocks = (params.channels + 3u) / 4u;
    if id.x >= blocks * 4u {
        return;
    }
    var sum = vec4(0.0);
    if id.x < params.channels {
        sum = d_gram[id.y * params.channels + id.x];
        for (var k = 0u; k < 4u; k++) {
            if id.y * 4u + k < params.channels {
                sum[k] += d_gram[id.x / 4u * params.channels + id.y * 4u + k][id.x % 4u];
            }
        }
    }
    matrix[(id.x / 4u * blocks + id.y) * 4u + id.x % 4u] = params.scale * sum;
}

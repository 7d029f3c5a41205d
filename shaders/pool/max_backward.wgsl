// Max pooling backward: the gradient of a window goes to its largest element.
//
// The largest element is found again from src instead of being kept from the forward pass: three comparisons cost less
// than an index for each output in memory. Among equal elements the first in reading order gets the gradient, as in
// PyTorch. Elements of a dropped odd row or column get 0.
//
// Launch: one invocation for each window (x, y), including incomplete ones at the edges, and block of four channels (z).
//         It writes the one, two or four elements of its window.
// Reads:  four elements and a gradient, 20 bytes, and writes four elements.

// Add to d_src, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

struct Params { channels: u32, height: u32, width: u32 }  // of src

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;         // [channels / 4][height][width]
@group(0) @binding(1) var<storage, read> d_dst: array<vec4<f32>>;       // [channels / 4][height / 2][width / 2]
@group(0) @binding(2) var<storage, read_write> d_src: array<vec4<f32>>; // as src
@group(0) @binding(3) var<uniform> params: Params;

fn put(i: u32, value: vec4<f32>) {
    if ACCUMULATE {
        d_src[i] = d_src[i] + value;
    } else {
        d_src[i] = value;
    }
}

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let corner = 2u * id.xy;
    if corner.x >= params.width || corner.y >= params.height {
        return;
    }
    let out = vec2(params.width / 2u, params.height / 2u);
    let i = (id.z * params.height + corner.y) * params.width + corner.x;
    let right = corner.x + 1u < params.width;
    let below = corner.y + 1u < params.height;
    let zero = vec4(0.0);
    if !(right && below) {
        put(i, zero);
        if right { put(i + 1u, zero); }
        if below { put(i + params.width, zero); }
        return;
    }
    let d = d_dst[(id.z * out.y + id.y) * out.x + id.x];
    let a = src[i];
    let b = src[i + 1u];
    let c = src[i + params.width];
    let e = src[i + params.width + 1u];
    let top = max(max(a, b), max(c, e));
    let is_a = a == top;
    let is_b = !is_a & (b == top);
    let is_c = !is_a & !is_b & (c == top);
    put(i, select(zero, d, is_a));
    put(i + 1u, select(zero, d, is_b));
    put(i + params.width, select(zero, d, is_c));
    put(i + params.width + 1u, select(d, zero, is_a | is_b | is_c));
}

// `fetch(i)`: the vec4 of index i of a gradient, zero where `mask`, the output of a ReLU, is not above zero: relu/mask
// without a pass over memory of its own.

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> mask: array<vec4<f32>>;

fn fetch(i: u32) -> vec4<f32> {
    return select(vec4(0.0), src[i], mask[i] > vec4(0.0));
}

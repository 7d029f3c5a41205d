// `fetch(i)`: number i of a gradient, as in shared/fetch_numbers, but zero where `mask`, the output of a ReLU, is not above
// zero: relu/mask without a pass over memory of its own.

alias Element = f32;
const PARTS = 4u;  // elements of a vec4

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> mask: array<vec4<f32>>;

fn fetch(i: u32) -> Element {
    return select(0.0, src[i / PARTS][i % PARTS], mask[i / PARTS][i % PARTS] > 0.0);
}

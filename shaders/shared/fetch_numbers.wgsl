// `fetch(i)`: element i of a storage buffer, an element being one number of a vec4. A kernel with one invocation a channel
// has four times as many invocations, with a quarter of the registers each.

alias Element = f32;
const PARTS = 4u;  // elements of a vec4

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;

fn fetch(i: u32) -> Element {
    return src[i / PARTS][i % PARTS];
}

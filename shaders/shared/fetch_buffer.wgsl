// `fetch(i)`: element i of a storage buffer, an element being the vec4 of four channels.

alias Element = vec4<f32>;
const PARTS = 1u;  // elements of a vec4

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;

fn fetch(i: u32) -> Element {
    return src[i];
}

// `fetch(i)`: element i of a storage texture that holds a copy of a buffer, an element being the vec4 of four channels. On
// CPU drivers this is several times faster than a storage buffer: see conv/texture.

alias Element = vec4<f32>;
const PARTS = 1u;  // elements of a vec4

@group(0) @binding(0) var src: texture_storage_2d<rgba32float, read>;

fn fetch(i: u32) -> Element {
    return textureLoad(src, vec2(i & 4095u, i >> 12u));
}

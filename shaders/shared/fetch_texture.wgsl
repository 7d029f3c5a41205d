// `fetch(i)`: the vec4 of index i, from a storage texture that holds a copy of a buffer. On CPU
// drivers this is several times faster than a storage buffer: see conv/texture.

@group(0) @binding(0) var src: texture_storage_2d<rgba32float, read>;

fn fetch(i: u32) -> vec4<f32> {
    return textureLoad(src, vec2(i & 4095u, i >> 12u));
}

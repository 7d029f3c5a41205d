// `fetch(i)`: the vec4 of index i, from a storage buffer.

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;

fn fetch(i: u32) -> vec4<f32> {
    return src[i];
}

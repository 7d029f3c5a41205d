// Storage in bf16: four values take 8 bytes instead of 16. Arithmetic stays in f32.
//
// bf16 is the upper half of f32: the same range, 8 bits of precision. Where a launch binds a tensor of bf16, `src[i]`
// becomes `unpack_bf16(src[i])` and `dst[i] = v` becomes `dst[i] = pack_bf16(v)`; see shared/storage_f16.
//
// Half of the last place is added before the lower half is dropped, which rounds to nearest. For a NaN that addition could
// carry into the sign and leave zeros, so a NaN keeps its upper half, with the first bit below the exponent set.

fn unpack_bf16(v: vec2<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4(v.x << 16u, v.x & 0xffff0000u, v.y << 16u, v.y & 0xffff0000u));
}

// A texel holds a number in each of its four components.
fn unpack_texel_bf16(v: vec4<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(v << vec4(16u));
}

fn pack_bf16(v: vec4<f32>) -> vec2<u32> {
    let bits = bitcast<vec4<u32>>(v);
    let is_nan = (bits & vec4(0x7fffffffu)) > vec4(0x7f800000u);
    let rounded = select(bits + vec4(0x8000u), bits | vec4(0x400000u), is_nan);
    return (rounded.xz >> vec2(16u)) | (rounded.yw & vec2(0xffff0000u));
}

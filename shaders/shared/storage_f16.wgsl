// Storage in f16: four values take 8 bytes instead of 16. Arithmetic stays in f32.
//
// A kernel is written for f32. Where a launch binds a tensor of f16, `src[i]` becomes `unpack_f16(src[i])` and
// `dst[i] = v` becomes `dst[i] = pack_f16(v)`; these functions are appended to the kernel.
//
// f16 has 11 bits of precision and ends at 65504. Larger finite values are stored as 65504, with their sign. NaN stays NaN
// and infinity stays infinity, so that a fault remains visible. WGSL defines neither for clamp and pack2x16float, so both
// are recognised and written as bits: in f32 as in f16 all bits of the exponent are 1, and the bits below are 0 for
// infinity only.

fn unpack_f16(v: vec2<u32>) -> vec4<f32> {
    return vec4(unpack2x16float(v.x), unpack2x16float(v.y));
}

// A texel holds a number in each of its four components.
fn unpack_texel_f16(v: vec4<u32>) -> vec4<f32> {
    return unpack_f16(v.xz | (v.yw << vec2(16u)));
}

fn pack_f16(v: vec4<f32>) -> vec2<u32> {
    let clamped = clamp(v, vec4(-65504.0), vec4(65504.0));
    let finite = vec2(pack2x16float(clamped.xy), pack2x16float(clamped.zw));
    let bits = bitcast<vec4<u32>>(v);
    let magnitude = bits & vec4(0x7fffffffu);
    let sign = (bits >> vec4(16u)) & vec4(0x8000u);
    let special = sign | select(vec4(0x7c00u), vec4(0x7e00u), magnitude > vec4(0x7f800000u));
    let halves = vec4(finite.x & 0xffffu, finite.x >> 16u, finite.y & 0xffffu, finite.y >> 16u);
    let stored = select(halves, special, magnitude >= vec4(0x7f800000u));
    return stored.xz | (stored.yw << vec2(16u));
}

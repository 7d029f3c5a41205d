// Buffers of f32 accessed as pairs in u64, for drivers that run on the CPU.
//
// Mesa's lavapipe reads and writes a storage buffer one lane and one component at a time: a vec4 takes four turns a lane. As
// two u64, of the same bytes, it takes two, and packing them takes some instructions for all lanes at once. An evaluation takes
// a fifth less processor time: see docs/src/measurements/lavapipe.md.
//
// On such a device `array<vec4<f32>>` becomes `array<vec2<u64>>`, `src[i]` becomes `unpack_pairs(src[i])` and `dst[i] = v`
// becomes `dst[i] = pack_pairs(v)`; these functions are appended to the kernel. No bit changes on the way.

fn pack_pairs(v: vec4<f32>) -> vec2<u64> {
    let bits = bitcast<vec4<u32>>(v);
    return vec2(u64(bits.x) | (u64(bits.y) << 32u), u64(bits.z) | (u64(bits.w) << 32u));
}

fn unpack_pairs(v: vec2<u64>) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4(u32(v.x), u32(v.x >> 32u), u32(v.y), u32(v.y >> 32u)));
}

// Scales for products in f16, made of the largest magnitude among the inputs.
//
// f16 ends at 65504 and is exact to 11 bits down to 6e-5 only. Gradients are often below that. So inputs are multiplied by
// the power of two that takes the largest of them to between 2^14 and 2^15, and results are divided by it: multiplying by a
// power of two rounds nothing. What is 2^29 times smaller than the largest input loses bits, what is 2^39 times smaller is
// lost; neither matters in a sum with the largest. Nothing can overflow. reduce/largest finds the largest magnitude before.
//
// In the bits of an f32 the exponent is 127 more than it counts. Inputs that are all smaller than 2^-112 have the scale of
// 2^-112. Needs workgroups of 128.

@group(0) @binding(4) var<storage, read> largest: array<vec4<u32>>;  // 512 partial maxima of magnitudes, as bits

var<workgroup> largest_bits: atomic<u32>;

// The bits of the largest magnitude. All invocations of the workgroup must call it.
fn find_largest(index: u32) -> u32 {
    if index == 0u {
        atomicStore(&largest_bits, 0u);
    }
    workgroupBarrier();
    let of_four = largest[index];
    atomicMax(&largest_bits, max(max(of_four.x, of_four.y), max(of_four.z, of_four.w)));
    workgroupBarrier();
    return atomicLoad(&largest_bits);
}

// Exponent of 2^14 over the power of two in the largest magnitude, as it stands in the bits of an f32.
fn scale_exponent(bits: u32) -> u32 {
    return min(268u - (bits >> 23u), 253u);
}

// A power of two by its exponent. NaN and infinity among the inputs become NaN, which reaches every result.
fn power_of_two(exponent: u32, bits: u32) -> f32 {
    return bitcast<f32>(select(exponent << 23u, bits | 0x400000u, bits >= 0x7f800000u));
}

// What inputs are multiplied by.
fn scale_of(bits: u32) -> f32 {
    return power_of_two(scale_exponent(bits), bits);
}

// Its inverse.
fn unscale_of(bits: u32) -> f32 {
    return power_of_two(254u - scale_exponent(bits), bits);
}

// x rounded to f16's 11 bits, in integers: 13 of the 23 bits after the point are rounded away, and a carry moves on into the
// exponent, as it must. Written as f32(f16(x)) it may be "simplified" to x, which makes x - hi zero: NVIDIA's driver does that.
fn round_to_11_bits(x: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>((bitcast<vec4<u32>>(x) + 0x1000u) & vec4(0xffffe000u));
}

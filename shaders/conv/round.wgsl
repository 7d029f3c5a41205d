// Inputs as matrix units for f16 multiply them: scaled, rounded to 11 bits, and scaled back.
//
//   dst[i] = f32(f16(scale * src[i])) / scale
//
// The products of 8_halo are those of numbers rounded like this, added in f32. A product of two numbers of 11 bits is exact in
// f32, so any convolution of f32 that reads `dst`, and weights rounded likewise, computes what 8_halo does, up to the
// order of its sums. That shows on any device what matrix units do to losses and pictures.
//
// Rounding is done in integers, since a compiler may take f32(f16(x)) for x: see shared/scale. Halves go to the even neighbour,
// as in f16. Below 2^-14 f16 has fewer than 11 bits, and these numbers have not: they are 2^28 times smaller than the
// largest, and no sum shows it.
//
// Launch: workgroups of 128; each invocation rounds 16 vec4, so that few workgroups search for the largest magnitude.
// Reads:  16 bytes a vec4, and writes 16.

#import shared/grid
#import shared/scale

struct Params { vectors: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

const EACH = 16u;  // vec4 an invocation

fn as_f16(x: vec4<f32>) -> vec4<f32> {
    let bits = bitcast<vec4<u32>>(x);
    let even = (bits >> vec4(13u)) & vec4(1u);
    return bitcast<vec4<f32>>((bits + 0xfffu + even) & vec4(0xffffe000u));
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let bits = find_largest(local);
    let scale = scale_of(bits);
    let unscale = unscale_of(bits);
    let first = (linear_index(group, grid, local, 128u) - local) * EACH + local;
    for (var n = 0u; n < EACH; n++) {
        let i = first + n * 128u;
        if i < params.vectors {
            dst[i] = as_f16(scale * src[i]) * unscale;
        }
    }
}

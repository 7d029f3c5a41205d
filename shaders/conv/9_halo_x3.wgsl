// Convolution, rung 9: the precision of f32 on matrix units for f16, at the price of three products.
//
// Halo, scales and epilogue are in shared/halo, the products are those of 8_halo. Each number is split in two f16,
//
//   x = hi + lo,   hi = x rounded to 11 bits,   lo = x - hi rounded to 11 bits,
//
// which together hold 22 bits; f32 has 24. A product of two such numbers is
//
//   a b = hi_a hi_b + hi_a lo_b + lo_a hi_b,
//
// where lo_a lo_b, 2^-22 of the whole, is left out. The smaller products are added first. (The idea is that of 3xTF32 in
// NVIDIA's CUTLASS, and older: Dekker 1971.) Scaling does the rest: lo is up to 2^12 times smaller than hi, and would
// fall below the range of f16 where inputs are small.
//
// Launch: as 8_halo.
// Reads:  as 8_halo with twice the weights, for a third of the multiply-adds a second.
// Costs:  64 registers for sums, 24 for the next halo, 40 for A and B, 160 in all. One halo, not two: hi and lo take as much
//         workgroup memory as two did, so there are two barriers for 9 x 16 k.
// Next:   on an NVIDIA H200 Winograd's F(4x4) around 6_taps_inner takes two thirds of the time, in plain f32.

enable f16;
enable wgpu_cooperative_matrix;

#import shared/scale
#import shared/halo

var<workgroup> halo: array<vec4<f16>, 2160>;     // [hi and lo][HALO][ROW]
var<workgroup> results: array<vec4<f32>, 576>;   // [4 subgroups][16 positions][RESULT_ROW]

const LO = HALO * ROW;  // from hi to lo
const TAPS = 9u;

fn put(i: u32, v: vec4<f32>) {
    let hi = round_to_11_bits(v);
    halo[i] = vec4<f16>(hi);
    halo[LO + i] = vec4<f16>(v - hi);
}

fn put_share(at: Places, step: u32, index: u32, scale: f32, share: Share) {
    put(at.p0.halo, scale * keep(at.p0, step, share.s0));
    put(at.p1.halo, scale * keep(at.p1, step, share.s1));
    put(at.p2.halo, scale * keep(at.p2, step, share.s2));
    put(at.p3.halo, scale * keep(at.p3, step, share.s3));
    put(at.p4.halo, scale * keep(at.p4, step, share.s4));
    if has_sixth(index) {
        put(at.p5.halo, scale * keep(at.p5, step, share.s5));
    }
}

@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let steps = (params.in_channels + 15u) / 16u;
    let columns = (params.out_channels + TILE_CHANNELS - 1u) / TILE_CHANNELS * TILE_CHANNELS;
    let weights_lo = TAPS * steps * columns * COLUMN; // from hi to lo
    // The subgroup's part of the tile.
    let row = subgroup % 2u * 4u;
    let channel = group.z * TILE_CHANNELS + subgroup / 2u * 32u;

    let at = find_places(group, index);
    var share = fetch_share(at, 0u);
    let bits = find_largest(index);
    let scale = scale_of(bits);

    // Matrices of row 0 to 3 (first number), channels 0 to 15 and 16 to 31 (second).
    var c00: Sums; var c10: Sums; var c20: Sums; var c30: Sums;
    var c01: Sums; var c11: Sums; var c21: Sums; var c31: Sums;
    for (var step = 0u; step < steps; step++) {
        // All invocations are done with the previous halo.
        workgroupBarrier();
        put_share(at, step, index, scale, share);
        workgroupBarrier();
        share = fetch_share(at, step + 1u);
        for (var tap = 0u; tap < TAPS; tap++) {
            let b = ((tap * steps + step) * columns + channel) * COLUMN;
            let b0 = coopLoad<Weights>(&weights[b], COLUMN);
            let b1 = coopLoad<Weights>(&weights[b + 16u * COLUMN], COLUMN);
            let b0_lo = coopLoad<Weights>(&weights[weights_lo + b], COLUMN);
            let b1_lo = coopLoad<Weights>(&weights[weights_lo + b + 16u * COLUMN], COLUMN);
            let a = ((row + tap / 3u) * HALO_WIDTH + tap % 3u) * ROW;
            let a0_lo = coopLoadT<Inputs>(&halo[LO + a], ROW);
            let a0 = coopLoadT<Inputs>(&halo[a], ROW);
            c00 = coopMultiplyAdd(a0_lo, b0, c00);
            c01 = coopMultiplyAdd(a0_lo, b1, c01);
            c00 = coopMultiplyAdd(a0, b0_lo, c00);
            c01 = coopMultiplyAdd(a0, b1_lo, c01);
            c00 = coopMultiplyAdd(a0, b0, c00);
            c01 = coopMultiplyAdd(a0, b1, c01);
            let a1_lo = coopLoadT<Inputs>(&halo[LO + a + HALO_WIDTH * ROW], ROW);
            let a1 = coopLoadT<Inputs>(&halo[a + HALO_WIDTH * ROW], ROW);
            c10 = coopMultiplyAdd(a1_lo, b0, c10);
            c11 = coopMultiplyAdd(a1_lo, b1, c11);
            c10 = coopMultiplyAdd(a1, b0_lo, c10);
            c11 = coopMultiplyAdd(a1, b1_lo, c11);
            c10 = coopMultiplyAdd(a1, b0, c10);
            c11 = coopMultiplyAdd(a1, b1, c11);
            let a2_lo = coopLoadT<Inputs>(&halo[LO + a + 2u * HALO_WIDTH * ROW], ROW);
            let a2 = coopLoadT<Inputs>(&halo[a + 2u * HALO_WIDTH * ROW], ROW);
            c20 = coopMultiplyAdd(a2_lo, b0, c20);
            c21 = coopMultiplyAdd(a2_lo, b1, c21);
            c20 = coopMultiplyAdd(a2, b0_lo, c20);
            c21 = coopMultiplyAdd(a2, b1_lo, c21);
            c20 = coopMultiplyAdd(a2, b0, c20);
            c21 = coopMultiplyAdd(a2, b1, c21);
            let a3_lo = coopLoadT<Inputs>(&halo[LO + a + 3u * HALO_WIDTH * ROW], ROW);
            let a3 = coopLoadT<Inputs>(&halo[a + 3u * HALO_WIDTH * ROW], ROW);
            c30 = coopMultiplyAdd(a3_lo, b0, c30);
            c31 = coopMultiplyAdd(a3_lo, b1, c31);
            c30 = coopMultiplyAdd(a3, b0_lo, c30);
            c31 = coopMultiplyAdd(a3, b1_lo, c31);
            c30 = coopMultiplyAdd(a3, b0, c30);
            c31 = coopMultiplyAdd(a3, b1, c31);
        }
    }

    // As in 8_halo.
    let unscaled = unscale(bits, 2u * weights_lo);
    let first = subgroup * 16u * RESULT_ROW;
    let corner = group.xy * TILE + vec2(0u, row);
    coopStoreT(c00, &results[first], RESULT_ROW);
    coopStoreT(c01, &results[first + 4u], RESULT_ROW);
    workgroupBarrier();
    finish(corner, channel / 4u, first, lane, unscaled);
    workgroupBarrier();
    coopStoreT(c10, &results[first], RESULT_ROW);
    coopStoreT(c11, &results[first + 4u], RESULT_ROW);
    workgroupBarrier();
    finish(corner + vec2(0u, 1u), channel / 4u, first, lane, unscaled);
    workgroupBarrier();
    coopStoreT(c20, &results[first], RESULT_ROW);
    coopStoreT(c21, &results[first + 4u], RESULT_ROW);
    workgroupBarrier();
    finish(corner + vec2(0u, 2u), channel / 4u, first, lane, unscaled);
    workgroupBarrier();
    coopStoreT(c30, &results[first], RESULT_ROW);
    coopStoreT(c31, &results[first + 4u], RESULT_ROW);
    workgroupBarrier();
    finish(corner + vec2(0u, 3u), channel / 4u, first, lane, unscaled);
}

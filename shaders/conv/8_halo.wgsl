// Convolution, rung 8: matrix units without implicit GEMM, one halo of inputs for all nine taps.
//
// 7_cooperative feeds matrix units from workgroup memory, and filling that memory is what it waits for: each tap loads its
// inputs and its weights there. Here the inputs of a tile with their border, the halo, are loaded once for nine taps: see
// shared/halo. So that the units have something to do from one halo to the next,
//
//   - weights are loaded as matrices straight from storage. They are packed for that, in f16, with the 16 k of an output
//     channel one after the other; a layer's weights are some MiB that all workgroups read, so they come from the cache;
//   - while one halo is multiplied the next is loaded, as in 5_turns: two halos in turns, one barrier for 72 products;
//   - three taps are written out one after the other, so that the weights of one are on their way while another is multiplied:
//     a tenth faster than a loop over nine, on an NVIDIA H200.
//
// Inputs are scaled by a power of two, so that gradients fit f16 and both passes run here: see shared/scale.
//
// Numbers are rounded to f16's 11 bits before they are multiplied, and summed in f32. The relative error of a result is
// about 3e-4, as with TF32, which has 11 bits too.
//
// Launch: workgroups of 128, four subgroups of 32; x and y cover positions in tiles of 16 x 8, z output channels in tiles of
//         64. A subgroup computes four rows of 16 positions by 32 channels: 8 C.
// Reads:  180 vec4 of inputs for 128 positions by 64 channels by 9 taps by 4: 1/100 of a byte a multiply-add, ten
//         times less than 7_cooperative; 1/32 of a byte of weights, from the cache; 1/16 of a byte from workgroup memory.
// Costs:  64 registers for sums, 24 for the next halo, some 24 for A and B, 150 in all. Workgroup memory is 25.9 KiB; one
//         barrier for 9 x 16 k.
// Next:   9_halo_x3 keeps the precision of f32, by three products for one.

enable f16;
enable wgpu_cooperative_matrix;

#import shared/scale
#import shared/halo

var<workgroup> halo: array<vec4<f16>, 2160>;     // [2 halos][HALO][ROW]
var<workgroup> results: array<vec4<f32>, 576>;   // [4 subgroups][16 positions][RESULT_ROW]

fn put_share(at: Places, step: u32, index: u32, scale: f32, share: Share) {
    let first = step % 2u * HALO * ROW;
    halo[first + at.p0.halo] = vec4<f16>(scale * keep(at.p0, step, share.s0));
    halo[first + at.p1.halo] = vec4<f16>(scale * keep(at.p1, step, share.s1));
    halo[first + at.p2.halo] = vec4<f16>(scale * keep(at.p2, step, share.s2));
    halo[first + at.p3.halo] = vec4<f16>(scale * keep(at.p3, step, share.s3));
    halo[first + at.p4.halo] = vec4<f16>(scale * keep(at.p4, step, share.s4));
    if has_sixth(index) {
        halo[first + at.p5.halo] = vec4<f16>(scale * keep(at.p5, step, share.s5));
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
    // The subgroup's part of the tile.
    let row = subgroup % 2u * 4u;
    let channel = group.z * TILE_CHANNELS + subgroup / 2u * 32u;

    let at = find_places(group, index);
    var share = fetch_share(at, 0u);
    let bits = find_largest(index);
    let scale = scale_of(bits);
    put_share(at, 0u, index, scale, share);
    workgroupBarrier();

    // Matrices of row 0 to 3 (first number), channels 0 to 15 and 16 to 31 (second).
    var c00: Sums; var c10: Sums; var c20: Sums; var c30: Sums;
    var c01: Sums; var c11: Sums; var c21: Sums; var c31: Sums;
    for (var step = 0u; step < steps; step++) {
        let buffer = step & 1u;
        share = fetch_share(at, step + 1u);
        for (var tap_row = 0u; tap_row < 3u; tap_row++) {
            var a = (buffer * HALO + (row + tap_row) * HALO_WIDTH) * ROW;
            var b = ((3u * tap_row * steps + step) * columns + channel) * COLUMN;
            {
                let b0 = coopLoad<Weights>(&weights[b], COLUMN);
                let b1 = coopLoad<Weights>(&weights[b + 16u * COLUMN], COLUMN);
                let a0 = coopLoadT<Inputs>(&halo[a], ROW);
                c00 = coopMultiplyAdd(a0, b0, c00);
                c01 = coopMultiplyAdd(a0, b1, c01);
                let a1 = coopLoadT<Inputs>(&halo[a + HALO_WIDTH * ROW], ROW);
                c10 = coopMultiplyAdd(a1, b0, c10);
                c11 = coopMultiplyAdd(a1, b1, c11);
                let a2 = coopLoadT<Inputs>(&halo[a + 2u * HALO_WIDTH * ROW], ROW);
                c20 = coopMultiplyAdd(a2, b0, c20);
                c21 = coopMultiplyAdd(a2, b1, c21);
                let a3 = coopLoadT<Inputs>(&halo[a + 3u * HALO_WIDTH * ROW], ROW);
                c30 = coopMultiplyAdd(a3, b0, c30);
                c31 = coopMultiplyAdd(a3, b1, c31);
            }
            a += ROW;
            b += steps * columns * COLUMN;
            {
                let b0 = coopLoad<Weights>(&weights[b], COLUMN);
                let b1 = coopLoad<Weights>(&weights[b + 16u * COLUMN], COLUMN);
                let a0 = coopLoadT<Inputs>(&halo[a], ROW);
                c00 = coopMultiplyAdd(a0, b0, c00);
                c01 = coopMultiplyAdd(a0, b1, c01);
                let a1 = coopLoadT<Inputs>(&halo[a + HALO_WIDTH * ROW], ROW);
                c10 = coopMultiplyAdd(a1, b0, c10);
                c11 = coopMultiplyAdd(a1, b1, c11);
                let a2 = coopLoadT<Inputs>(&halo[a + 2u * HALO_WIDTH * ROW], ROW);
                c20 = coopMultiplyAdd(a2, b0, c20);
                c21 = coopMultiplyAdd(a2, b1, c21);
                let a3 = coopLoadT<Inputs>(&halo[a + 3u * HALO_WIDTH * ROW], ROW);
                c30 = coopMultiplyAdd(a3, b0, c30);
                c31 = coopMultiplyAdd(a3, b1, c31);
            }
            a += ROW;
            b += steps * columns * COLUMN;
            {
                let b0 = coopLoad<Weights>(&weights[b], COLUMN);
                let b1 = coopLoad<Weights>(&weights[b + 16u * COLUMN], COLUMN);
                let a0 = coopLoadT<Inputs>(&halo[a], ROW);
                c00 = coopMultiplyAdd(a0, b0, c00);
                c01 = coopMultiplyAdd(a0, b1, c01);
                let a1 = coopLoadT<Inputs>(&halo[a + HALO_WIDTH * ROW], ROW);
                c10 = coopMultiplyAdd(a1, b0, c10);
                c11 = coopMultiplyAdd(a1, b1, c11);
                let a2 = coopLoadT<Inputs>(&halo[a + 2u * HALO_WIDTH * ROW], ROW);
                c20 = coopMultiplyAdd(a2, b0, c20);
                c21 = coopMultiplyAdd(a2, b1, c21);
                let a3 = coopLoadT<Inputs>(&halo[a + 3u * HALO_WIDTH * ROW], ROW);
                c30 = coopMultiplyAdd(a3, b0, c30);
                c31 = coopMultiplyAdd(a3, b1, c31);
            }
        }
        put_share(at, step + 1u, index, scale, share);
        workgroupBarrier();
    }

    // One row of positions after the other goes through workgroup memory, since bias, ReLU and the edges need elements.
    let unscaled = unscale(bits, 9u * steps * columns * COLUMN);
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

// Convolution, rung 7: cooperative matrices, for hardware with instructions for products of 16 x 16 matrices.
//
// The formula is in 1_naive, loading the next K-tile early is in 5_turns, the order of K-tiles in 6_taps_inner. Here the 32
// lanes of a subgroup hold matrices together: A with 16 positions by 16 k, B with 16 k by 16 channels, C with 16 positions by
// 16 channels. coopMultiplyAdd computes A B + C in one instruction, 4096 multiply-adds. Which lane holds which element depends
// on the driver, so a matrix can only be loaded, multiplied and stored as a whole.
//
//   - A and B are f16, with 11 bits of precision, and C is f32. Inputs and weights are rounded when they are stored in
//     workgroup memory, and clamped to the range of f16. The relative error of a result is about 1e-3, as with TF32.
//     Hence this variant runs only where f16 was requested, and only forward: gradients are often below 6e-8, the
//     smallest f16, and scaling them would take another pass over memory to find the largest.
//   - Bias, ReLU and the edges need single elements, so each C is stored in workgroup memory at the end and read from
//     there, as vec4, for dst.
//
// Rows in workgroup memory are 24 and 72 f16 long, not 16 and 64: the eight rows of a matrix then start in eight
// different groups of banks, at multiples of 16 bytes, which loads require.
//
// Launch: workgroups of 128, four subgroups of 32; x covers positions in tiles of 128, y output channels in tiles of 64,
//         z the batch. A subgroup computes 64 positions by 32 channels: 8 C.
// Reads:  as 6_taps_inner, a tenth of a byte a multiply-add; from workgroup memory 3 KiB a subgroup for 8 instructions of
//         4096, again a tenth of a byte, ten times less than 6_taps_inner.
// Costs:  64 registers for sums, 24 for the next K-tile, 24 for A and B, some 130 in all. Workgroup memory is 13.25 KiB, for one
//         K-tile and the results; the next K-tile is in registers. Two barriers for 16 k.
// Next:   8_halo loads inputs once for nine taps, and scales them, so that it computes gradients, too.

enable f16;
enable wgpu_cooperative_matrix;

override TAPS: u32 = 9u;

#import shared/weights
#import shared/store

struct Params { in_channels: u32, out_channels: u32, height: u32, width: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;      // [batch][in / 4][height][width]
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;  // [batch, or TAPS][in / 4][out / 4][4]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;     // [out / 4]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>; // [batch][out / 4][height][width]
@group(0) @binding(4) var<uniform> params: Params;

alias Inputs = coop_mat16x16<f16, A>;
alias Weights = coop_mat16x16<f16, B>;
alias Sums = coop_mat16x16<f32, C>;

const TILE = 128u;       // positions of a workgroup's tile
const TILE_BLOCKS = 16u; // blocks of four output channels of a workgroup's tile
const K_BLOCKS = 4u;     // blocks of four input channels in a K-tile: the 16 k of a matrix
const SRC_ROW = 24u;     // 16 k and padding
const WEIGHTS_ROW = 72u; // 64 channels and padding
const RESULT_ROW = 20u;  // 16 channels and padding

var<workgroup> tile_src: array<f16, 3072>;      // [TILE][SRC_ROW]
var<workgroup> tile_weights: array<f16, 1152>;  // [16 k][WEIGHTS_ROW]
var<workgroup> results: array<f32, 1280>;       // [4 subgroups][16 positions][RESULT_ROW]

// The values of a K-tile that one invocation loads: four blocks of its position, two vectors of weights.
struct Share { s0: vec4<f32>, s1: vec4<f32>, s2: vec4<f32>, s3: vec4<f32>, w0: vec4<f32>, w1: vec4<f32> }

// Finite values are clamped to the range of f16. NaN and infinity are recognised by their bits and kept, so that a fault
// reaches the result.
fn to_f16(v: vec4<f32>) -> vec4<f16> {
    let is_finite = (bitcast<vec4<u32>>(v) & vec4(0x7f800000u)) != vec4(0x7f800000u);
    return vec4<f16>(select(v, clamp(v, vec4(-65504.0), vec4(65504.0)), is_finite));
}

fn fetch_weights(batch: u32, tap: u32, block: u32, column: u32, vector: u32) -> vec4<f32> {
    let in_blocks = (params.in_channels + 3u) / 4u;
    let out_blocks = (params.out_channels + 3u) / 4u;
    if block >= in_blocks || column >= out_blocks {
        return vec4(0.0);
    }
    return weights[weight_block(batch * TAPS + matrix_of(tap, TAPS), block, in_blocks, column, out_blocks) + vector];
}

fn fetch_src(batch: u32, block: u32, at: u32, inside: bool) -> vec4<f32> {
    let in_blocks = (params.in_channels + 3u) / 4u;
    if !inside || block >= in_blocks {
        return vec4(0.0);
    }
    return src[(batch * in_blocks + block) * params.width * params.height + at];
}

// Loads this invocation's share of K-tile `step`; zeros beyond the last.
fn fetch_share(group: vec3<u32>, index: u32, step: u32) -> Share {
    let tap = step % TAPS;
    let block = step / TAPS * K_BLOCKS;
    let position = group.x * TILE + index;
    // Below zero wraps around to a large number, so one comparison finds both edges.
    let shift = select(vec2(0u), vec2(tap % 3u, tap / 3u) - 1u, TAPS == 9u);
    let xy = vec2(position % params.width, position / params.width) + shift;
    let inside = position < params.width * params.height && xy.x < params.width && xy.y < params.height;
    let at = xy.y * params.width + xy.x;
    let column = group.y * TILE_BLOCKS + index % 64u / 4u;
    let row = index / 64u;
    return Share(
        fetch_src(group.z, block, at, inside),
        fetch_src(group.z, block + 1u, at, inside),
        fetch_src(group.z, block + 2u, at, inside),
        fetch_src(group.z, block + 3u, at, inside),
        fetch_weights(group.z, tap, block + row, column, index % 4u),
        fetch_weights(group.z, tap, block + row + 2u, column, index % 4u),
    );
}

fn put_src(at: u32, v: vec4<f32>) {
    let half = to_f16(v);
    tile_src[at] = half.x;
    tile_src[at + 1u] = half.y;
    tile_src[at + 2u] = half.z;
    tile_src[at + 3u] = half.w;
}

// Vector `v` of a block of weights: input v to four outputs, or, transposed, four inputs to output v.
fn put_weights(row: u32, column: u32, v: u32, w: vec4<f32>) {
    let corner = row * 4u * WEIGHTS_ROW + column * 4u;
    let at = corner + select(v * WEIGHTS_ROW, v, TRANSPOSED);
    let step = select(1u, WEIGHTS_ROW, TRANSPOSED);
    let half = to_f16(w);
    tile_weights[at] = half.x;
    tile_weights[at + step] = half.y;
    tile_weights[at + 2u * step] = half.z;
    tile_weights[at + 3u * step] = half.w;
}

fn put_share(index: u32, share: Share) {
    let at = index * SRC_ROW;
    put_src(at, share.s0);
    put_src(at + 4u, share.s1);
    put_src(at + 8u, share.s2);
    put_src(at + 12u, share.s3);
    let column = index % 64u / 4u;
    put_weights(index / 64u, column, index % 4u, share.w0);
    put_weights(index / 64u + 2u, column, index % 4u, share.w1);
}

// The epilogue of one C: 16 positions from `first`, four blocks of channels from `block`.
fn finish(sums: Sums, batch: u32, block: u32, first: u32, subgroup: u32, lane: u32) {
    let corner = subgroup * 16u * RESULT_ROW;
    workgroupBarrier();
    coopStoreT(sums, &results[corner], RESULT_ROW);
    workgroupBarrier();
    for (var b = lane / 16u; b < 4u; b += 2u) {
        let at = corner + lane % 16u * RESULT_ROW + 4u * b;
        let v = vec4(results[at], results[at + 1u], results[at + 2u], results[at + 3u]);
        store(batch, block + b, first + lane % 16u, v);
    }
}

@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let steps = (params.in_channels + 15u) / 16u * TAPS;
    // The subgroup's corner of the tile.
    let position = subgroup % 2u * 64u;
    let channel = subgroup / 2u * 32u;

    // Matrices of 16 positions (first number) by 16 channels (second).
    var c00: Sums; var c10: Sums; var c20: Sums; var c30: Sums;
    var c01: Sums; var c11: Sums; var c21: Sums; var c31: Sums;
    var share = fetch_share(group, index, 0u);
    for (var step = 0u; step < steps; step++) {
        // All invocations are done with the previous K-tile.
        workgroupBarrier();
        put_share(index, share);
        workgroupBarrier();
        share = fetch_share(group, index, step + 1u);

        let a = position * SRC_ROW;
        let b0 = coopLoadT<Weights>(&tile_weights[channel], WEIGHTS_ROW);
        let b1 = coopLoadT<Weights>(&tile_weights[channel + 16u], WEIGHTS_ROW);
        let a0 = coopLoadT<Inputs>(&tile_src[a], SRC_ROW);
        c00 = coopMultiplyAdd(a0, b0, c00);
        c01 = coopMultiplyAdd(a0, b1, c01);
        let a1 = coopLoadT<Inputs>(&tile_src[a + 16u * SRC_ROW], SRC_ROW);
        c10 = coopMultiplyAdd(a1, b0, c10);
        c11 = coopMultiplyAdd(a1, b1, c11);
        let a2 = coopLoadT<Inputs>(&tile_src[a + 32u * SRC_ROW], SRC_ROW);
        c20 = coopMultiplyAdd(a2, b0, c20);
        c21 = coopMultiplyAdd(a2, b1, c21);
        let a3 = coopLoadT<Inputs>(&tile_src[a + 48u * SRC_ROW], SRC_ROW);
        c30 = coopMultiplyAdd(a3, b0, c30);
        c31 = coopMultiplyAdd(a3, b1, c31);
    }

    let first = group.x * TILE + position;
    let block = group.y * TILE_BLOCKS + channel / 4u;
    finish(c00, group.z, block, first, subgroup, lane);
    finish(c10, group.z, block, first + 16u, subgroup, lane);
    finish(c20, group.z, block, first + 32u, subgroup, lane);
    finish(c30, group.z, block, first + 48u, subgroup, lane);
    finish(c01, group.z, block + 4u, first, subgroup, lane);
    finish(c11, group.z, block + 4u, first + 16u, subgroup, lane);
    finish(c21, group.z, block + 4u, first + 32u, subgroup, lane);
    finish(c31, group.z, block + 4u, first + 48u, subgroup, lane);
}

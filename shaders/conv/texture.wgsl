// Convolution for drivers that run on the CPU: registers, subgroup broadcasts, storage textures.
//
// The formula is in 1_naive. A CPU driver (Mesa's lavapipe) runs the lanes of a subgroup as the lanes of a SIMD register.
// Workgroup memory and barriers only cost time there, and loads are the bottleneck: lavapipe loads from a storage buffer
// one lane and one component at a time, through a store that the next load waits for, some 160 cycles for the f32 of 8
// lanes. The vec4 of 8 lanes are loaded from a texture in some 65 instructions without such waits, so both operands are
// read from textures. They are storage textures, since those have no mip levels: a sampled texture computes the level of
// each lane, in more than twice as many instructions. A linear index i becomes texel (i % 4096, i / 4096); the textures
// are copies of the buffers' bytes.
//
// Each lane holds RUN positions, 8 at most, by 32 output channels in registers. For a block of four input channels it loads
// its positions. The 4 x 32 weights are loaded once for the subgroup, one block of 4 x 4 by each of 8 lanes, and
// distributed by subgroupBroadcast. With 8 positions that is 12 loads for 1024 x 8 multiply-adds. Where an image has 16
// positions in all, as the tiles of Winograd's method in a layer of 16 x 16, runs of 2 leave no lane idle: 6 loads for 256 x 8
// multiply-adds, and not 12 for 1024 of which a quarter count. Needs subgroups of at least 8 lanes.
//
// Launch: workgroups of 8, a subgroup each, so that few lanes are idle for small images; x covers positions in runs of
//         8 * RUN, y output channels in runs of 4 * BLOCKS, z the batch.
// Reads:  12 texels for 8 positions by 32 channels by 4 k: a fifth of a byte a multiply-add, for each lane.
// Tried:  16 results a lane compile four times faster and run at 70 % of the speed; a loop for wider tiles does not fit
//         the instruction cache.

override TAPS: u32 = 9u;
override RELU: bool = false;
override ACCUMULATE: bool = false;
// Output blocks that a lane computes: 8, or 1 where there is only one, as for the gradient of the image.
override BLOCKS: u32 = 8u;
// Positions that a lane computes: 8, or fewer where a tile of 64 would have idle lanes.
override RUN: u32 = 8u;

#import shared/weights

struct Params { in_channels: u32, out_channels: u32, height: u32, width: u32 }

@group(0) @binding(0) var src: texture_storage_2d<rgba32float, read>;      // [batch][in / 4][height][width] of vec4, linear
@group(0) @binding(1) var weights: texture_storage_2d<rgba32float, read>;  // [batch, or TAPS][in / 4][out / 4][4] of vec4, linear
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;           // [out / 4]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;      // [batch][out / 4][height][width]
@group(0) @binding(4) var<uniform> params: Params;

alias Row = array<vec4<f32>, 8>;  // RUN of them are used

fn texel(i: u32) -> vec2<u32> {
    return vec2(i & 4095u, i >> 12u);
}

// Adds one block of output channels at all positions of the lane. The loop has a constant length, so it is unrolled and
// the arrays are in registers.
fn multiply_add(sums: ptr<function, Row>, m: mat4x4<f32>, s: ptr<function, Row>) {
    for (var p = 0u; p < RUN; p++) {
        (*sums)[p] += m * (*s)[p];
    }
}

fn store(batch: u32, block: u32, first: u32, sums: ptr<function, Row>) {
    let positions = params.width * params.height;
    let out_blocks = (params.out_channels + 3u) / 4u;
    if block >= out_blocks {
        return;
    }
    // Loaded before the loop: inside, the load would be in a branch, which compilers do not move it out of.
    let block_bias = bias[block];
    for (var p = 0u; p < RUN; p++) {
        if first + p < positions {
            var sum = (*sums)[p] + block_bias;
            if RELU {
                sum = max(sum, vec4(0.0));
            }
            let i = (batch * out_blocks + block) * positions + first + p;
            if ACCUMULATE {
                sum += dst[i];
            }
            dst[i] = sum;
        }
    }
}

@compute @workgroup_size(8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let size = vec2(params.width, params.height);
    let positions = size.x * size.y;
    let in_blocks = (params.in_channels + 3u) / 4u;
    let out_blocks = (params.out_channels + 3u) / 4u;
    let first = (group.x * 8u + local) * RUN;
    let first_block = group.y * BLOCKS;
    let lane_block = min(first_block + min(lane, 7u), out_blocks - 1u);

    var sums0: Row; var sums1: Row; var sums2: Row; var sums3: Row;
    var sums4: Row; var sums5: Row; var sums6: Row; var sums7: Row;
    // Positions that do not exist are computed as the last one, and not stored.
    var at: array<u32, 8>;
    // The rest is for taps. Divisions by the width are slow: one for each position, before the loop over taps.
    var inside: array<f32, 8>;
    var xy: array<vec2<u32>, 8>;
    for (var p = 0u; p < RUN; p++) {
        at[p] = min(first + p, positions - 1u);
        if TAPS == 9u {
            xy[p] = vec2(at[p] % size.x, at[p] / size.x);
        }
    }
    for (var tap = 0u; tap < TAPS; tap++) {
        if TAPS == 9u {
            let shift = vec2(tap % 3u, tap / 3u) - 1u;
            for (var p = 0u; p < RUN; p++) {
                let neighbour = xy[p] + shift;
                let is_inside = neighbour.x < size.x && neighbour.y < size.y;
                at[p] = select(0u, neighbour.y * size.x + neighbour.x, is_inside);
                inside[p] = select(0.0, 1.0, is_inside);
            }
        }
        for (var block = 0u; block < in_blocks; block++) {
            var s: Row;
            for (var p = 0u; p < RUN; p++) {
                s[p] = textureLoad(src, texel((group.z * in_blocks + block) * positions + at[p]));
                if TAPS == 9u {
                    s[p] *= inside[p];
                }
            }
            let w = weight_block(group.z * TAPS + matrix_of(tap, TAPS), block, in_blocks, lane_block, out_blocks);
            let w0 = textureLoad(weights, texel(w));
            let w1 = textureLoad(weights, texel(w + 1u));
            let w2 = textureLoad(weights, texel(w + 2u));
            let w3 = textureLoad(weights, texel(w + 3u));
            // The lane of a broadcast must be a constant expression, hence a line for each instead of a loop.
            multiply_add(&sums0, as_stored(mat4x4(subgroupBroadcast(w0, 0u), subgroupBroadcast(w1, 0u), subgroupBroadcast(w2, 0u), subgroupBroadcast(w3, 0u))), &s);
            if BLOCKS == 8u {
                multiply_add(&sums1, as_stored(mat4x4(subgroupBroadcast(w0, 1u), subgroupBroadcast(w1, 1u), subgroupBroadcast(w2, 1u), subgroupBroadcast(w3, 1u))), &s);
                multiply_add(&sums2, as_stored(mat4x4(subgroupBroadcast(w0, 2u), subgroupBroadcast(w1, 2u), subgroupBroadcast(w2, 2u), subgroupBroadcast(w3, 2u))), &s);
                multiply_add(&sums3, as_stored(mat4x4(subgroupBroadcast(w0, 3u), subgroupBroadcast(w1, 3u), subgroupBroadcast(w2, 3u), subgroupBroadcast(w3, 3u))), &s);
                multiply_add(&sums4, as_stored(mat4x4(subgroupBroadcast(w0, 4u), subgroupBroadcast(w1, 4u), subgroupBroadcast(w2, 4u), subgroupBroadcast(w3, 4u))), &s);
                multiply_add(&sums5, as_stored(mat4x4(subgroupBroadcast(w0, 5u), subgroupBroadcast(w1, 5u), subgroupBroadcast(w2, 5u), subgroupBroadcast(w3, 5u))), &s);
                multiply_add(&sums6, as_stored(mat4x4(subgroupBroadcast(w0, 6u), subgroupBroadcast(w1, 6u), subgroupBroadcast(w2, 6u), subgroupBroadcast(w3, 6u))), &s);
                multiply_add(&sums7, as_stored(mat4x4(subgroupBroadcast(w0, 7u), subgroupBroadcast(w1, 7u), subgroupBroadcast(w2, 7u), subgroupBroadcast(w3, 7u))), &s);
            }
        }
    }
    store(group.z, first_block, first, &sums0);
    if BLOCKS == 8u {
        store(group.z, first_block + 1u, first, &sums1);
        store(group.z, first_block + 2u, first, &sums2);
        store(group.z, first_block + 3u, first, &sums3);
        store(group.z, first_block + 4u, first, &sums4);
        store(group.z, first_block + 5u, first, &sums5);
        store(group.z, first_block + 6u, first, &sums6);
        store(group.z, first_block + 7u, first, &sums7);
    }
}

// Convolution, rung 4: vec4 in workgroup memory, and the next K-tile loaded while this one is multiplied.
//
// The formula is in 1_naive, the tile of results in registers in 3_registers. Three things change.
//
//   - Workgroup memory holds vec4: four k of a position, or four channels of a k. One instruction reads four values: 16
//     reads for 256 multiply-adds, where 3_registers needs 64. A block of four k is a matrix-vector product for each
//     position and output block, and transposing the matrix only renames registers.
//   - Double buffering: there are two K-tiles of half the size. While one is multiplied the other is filled: every
//     invocation first issues the loads of its share of the next K-tile, then multiplies, then stores the loaded values.
//     The 512 multiply-adds in between hide the latency of memory, and one barrier a K-tile is enough, since no
//     invocation writes to the K-tile that others read.
//   - Taps are the inner loop and channels the outer one. The nine taps of a K-tile of channels read nearly the same
//     inputs, 4 KiB that stay in the cache, so only the weights are loaded from memory. Nine bits say which taps of a
//     position are outside the feature map.
//
// Launch: workgroups of 16 x 8; x covers positions in tiles of 128, y output channels in tiles of 64, z the batch. The
//         first layers have 64 channels, so a wider tile of channels would be partly idle there.
// Reads:  a K-tile of 8 is 3 vec4 an invocation for 512 multiply-adds: a tenth of a byte each, three quarters of
//         3_registers, two thirds of it inputs that are mostly in the cache. From workgroup memory one byte each. Banks:
//         neighbours read neighbouring vec4, or all the same.
// Costs:  64 registers for sums, 12 for the next K-tile, 36 for operands, some 128 in all: of 65536, four workgroups,
//         16 warps. Workgroup memory is 12 KiB, within the default limit of 16.
// Next:   5_cooperative multiplies on matrix units, at half the precision.

override TAPS: u32 = 9u;

#import shared/weights
#import shared/store
#import shared/row
#import shared/store_row

struct Params { in_channels: u32, out_channels: u32, height: u32, width: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;      // [batch][in / 4][height][width]
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;  // [batch, or TAPS][in / 4][out / 4][4]
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;     // [out / 4]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>; // [batch][out / 4][height][width]
@group(0) @binding(4) var<uniform> params: Params;

const TILE = 128u;       // positions of a workgroup's tile
const TILE_BLOCKS = 16u; // blocks of four output channels of a workgroup's tile
const K_BLOCKS = 2u;     // blocks of four input channels in a K-tile

var<workgroup> tile_src: array<vec4<f32>, 512>;      // [2 K-tiles][K_BLOCKS][TILE]
var<workgroup> tile_weights: array<vec4<f32>, 256>;  // [2 K-tiles][K_BLOCKS][TILE_BLOCKS][4]

// The values of a K-tile that one invocation loads: both blocks of its position, and one vector of weights.
struct Share { near: vec4<f32>, far: vec4<f32>, weights: vec4<f32> }

// Where these values are.
struct Place {
    batch: u32,
    position: u32,
    inside: u32,  // bit t is set if the position has a neighbour under tap t
    row: u32,     // of the K-tile, for weights
    column: u32,  // output block, for weights
    vector: u32,  // of the block of weights
}

fn place(group: vec3<u32>, index: u32) -> Place {
    let at = group.x * TILE + index;
    let xy = vec2(at % params.width, at / params.width);
    var inside = 0u;
    for (var tap = 0u; tap < TAPS; tap++) {
        // Below zero wraps around to a large number, so one comparison finds both edges.
        let neighbour = xy + select(vec2(0u), vec2(tap % 3u, tap / 3u) - 1u, TAPS == 9u);
        if neighbour.x < params.width && neighbour.y < params.height {
            inside |= 1u << tap;
        }
    }
    // An invocation beyond the last position may have neighbours inside, which it must not read.
    inside = select(0u, inside, at < params.width * params.height);
    return Place(group.z, at, inside, index / 64u, group.y * TILE_BLOCKS + index % 64u / 4u, index % 4u);
}

// Loads this invocation's share of K-tile `step`; zeros beyond the last.
fn fetch_share(at: Place, step: u32) -> Share {
    let positions = params.width * params.height;
    let in_blocks = (params.in_channels + 3u) / 4u;
    let out_blocks = (params.out_channels + 3u) / 4u;
    let tap = step % TAPS;
    let block = step / TAPS * K_BLOCKS;

    var share: Share;
    if ((at.inside >> tap) & 1u) == 1u && block < in_blocks {
        let shift = select(0u, (tap / 3u - 1u) * params.width + tap % 3u - 1u, TAPS == 9u);
        let i = (at.batch * in_blocks + block) * positions + at.position + shift;
        share.near = src[i];
        if block + 1u < in_blocks {
            share.far = src[i + positions];
        }
    }
    if block + at.row < in_blocks && at.column < out_blocks {
        let matrix = at.batch * TAPS + matrix_of(tap, TAPS);
        share.weights = weights[weight_block(matrix, block + at.row, in_blocks, at.column, out_blocks) + at.vector];
    }
    return share;
}

fn put_share(buffer: u32, index: u32, share: Share) {
    tile_src[buffer * K_BLOCKS * TILE + index] = share.near;
    tile_src[buffer * K_BLOCKS * TILE + TILE + index] = share.far;
    tile_weights[buffer * K_BLOCKS * TILE_BLOCKS * 4u + index] = share.weights;
}

// Four k of one block of output channels, at all eight positions.
fn add_block(sums: ptr<function, Row>, w: u32, s: Row) {
    let m = as_stored(mat4x4(tile_weights[w], tile_weights[w + 1u], tile_weights[w + 2u], tile_weights[w + 3u]));
    (*sums)[0] += m * s[0];
    (*sums)[1] += m * s[1];
    (*sums)[2] += m * s[2];
    (*sums)[3] += m * s[3];
    (*sums)[4] += m * s[4];
    (*sums)[5] += m * s[5];
    (*sums)[6] += m * s[6];
    (*sums)[7] += m * s[7];
}

// The invocation's eight positions of one block of the K-tile.
fn positions_of(s: u32) -> Row {
    return Row(
        tile_src[s],
        tile_src[s + 16u],
        tile_src[s + 32u],
        tile_src[s + 48u],
        tile_src[s + 64u],
        tile_src[s + 80u],
        tile_src[s + 96u],
        tile_src[s + 112u],
    );
}

@compute @workgroup_size(16, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let at = place(group, index);
    let steps = (params.in_channels + 4u * K_BLOCKS - 1u) / (4u * K_BLOCKS) * TAPS;

    // Output blocks local.y and local.y + 8 of the tile, at positions local.x + 16 * {0, .., 7}.
    var low: Row;
    var high: Row;
    put_share(0u, index, fetch_share(at, 0u));
    workgroupBarrier();
    for (var step = 0u; step < steps; step++) {
        let buffer = step & 1u;
        let next = fetch_share(at, step + 1u);
        for (var block = 0u; block < K_BLOCKS; block++) {
            let row = buffer * K_BLOCKS + block;
            let s = positions_of(row * TILE + local.x);
            let w = (row * TILE_BLOCKS + local.y) * 4u;
            add_block(&low, w, s);
            add_block(&high, w + 32u, s);
        }
        put_share(1u - buffer, index, next);
        workgroupBarrier();
    }
    let block = group.y * TILE_BLOCKS + local.y;
    let first = group.x * TILE + local.x;
    store_row(group.z, block, first, 16u, &low);
    store_row(group.z, block + 8u, first, 16u, &high);
}

// Convolution, rung 5: two K-tiles in turns.
//
// The formula is in 1_naive, vec4 are in 4_vectors. There the invocations of a workgroup load, wait, multiply, and wait
// again. Here workgroup memory has room for two K-tiles, of half the size. While one is multiplied the other is filled: every
// invocation first issues the loads of its share of the next K-tile, then multiplies, then stores the loaded values. The 512
// multiply-adds in between hide the latency of memory, and one barrier a K-tile is enough, since no invocation writes to the
// K-tile that others read.
//
// The next K-tile may be that of the next tap, so nine bits say which taps of a position are inside the feature map.
//
// Launch: workgroups of 8 x 8; x covers positions in tiles of 64, y output channels in tiles of 64, z the batch.
// Reads:  a K-tile of 8 is 4 vec4 an invocation for 512 multiply-adds: an eighth of a byte each, and from workgroup memory one
//         byte each, as 4_vectors.
// Costs:  64 registers for sums, 16 for the next K-tile, 48 for operands, some 140 in all: of 65536, seven workgroups, 14
//         warps. Workgroup memory is 8 KiB; one barrier for 8 k.
// Next:   6_taps_inner takes the same K-tiles in another order.

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

const TILE = 64u;        // positions of a workgroup's tile, and vec4 of weights of a row of the K-tile
const TILE_BLOCKS = 16u; // blocks of four output channels of a workgroup's tile
const K_BLOCKS = 2u;     // blocks of four input channels in a K-tile: its rows

var<workgroup> tile_src: array<vec4<f32>, 256>;      // [2 K-tiles][K_BLOCKS][TILE]
var<workgroup> tile_weights: array<vec4<f32>, 256>;  // [2 K-tiles][K_BLOCKS][TILE_BLOCKS][4]

// The values of a K-tile that one invocation loads: of each row its position, and one vector of weights.
struct Share { src: array<vec4<f32>, 2>, weights: array<vec4<f32>, 2> }

// Where these values are.
struct Place {
    batch: u32,
    position: u32,
    inside: u32,  // bit t is set if the position has a neighbour under tap t
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
    return Place(group.z, at, inside, group.y * TILE_BLOCKS + index / 4u, index % 4u);
}

fn fetch_src(at: Place, tap: u32, block: u32) -> vec4<f32> {
    let in_blocks = (params.in_channels + 3u) / 4u;
    if ((at.inside >> tap) & 1u) == 0u || block >= in_blocks {
        return vec4(0.0);
    }
    let shift = select(0u, (tap / 3u - 1u) * params.width + tap % 3u - 1u, TAPS == 9u);
    return src[(at.batch * in_blocks + block) * params.width * params.height + at.position + shift];
}

fn fetch_weights(at: Place, tap: u32, block: u32) -> vec4<f32> {
    let in_blocks = (params.in_channels + 3u) / 4u;
    let out_blocks = (params.out_channels + 3u) / 4u;
    if tap >= TAPS || block >= in_blocks || at.column >= out_blocks {
        return vec4(0.0);
    }
    let matrix = at.batch * TAPS + matrix_of(tap, TAPS);
    return weights[weight_block(matrix, block, in_blocks, at.column, out_blocks) + at.vector];
}

// Loads this invocation's share of the K-tile from `block` under a tap; zeros beyond the last.
fn fetch_share(at: Place, tap: u32, block: u32) -> Share {
    return Share(
        array(fetch_src(at, tap, block), fetch_src(at, tap, block + 1u)),
        array(fetch_weights(at, tap, block), fetch_weights(at, tap, block + 1u)),
    );
}

fn put_share(buffer: u32, index: u32, share: Share) {
    let first = buffer * K_BLOCKS * TILE + index;
    tile_src[first] = share.src[0];
    tile_src[first + TILE] = share.src[1];
    tile_weights[first] = share.weights[0];
    tile_weights[first + TILE] = share.weights[1];
}

// Four k of one block of output channels, at all eight positions.
fn add_block(sums: ptr<function, Row>, w: u32, s: Row) {
    let m = as_stored(mat4x4(tile_weights[w], tile_weights[w + 1u], tile_weights[w + 2u], tile_weights[w + 3u]));
    add_outer(sums, m[0], vec4(s[0].x, s[1].x, s[2].x, s[3].x), vec4(s[4].x, s[5].x, s[6].x, s[7].x));
    add_outer(sums, m[1], vec4(s[0].y, s[1].y, s[2].y, s[3].y), vec4(s[4].y, s[5].y, s[6].y, s[7].y));
    add_outer(sums, m[2], vec4(s[0].z, s[1].z, s[2].z, s[3].z), vec4(s[4].z, s[5].z, s[6].z, s[7].z));
    add_outer(sums, m[3], vec4(s[0].w, s[1].w, s[2].w, s[3].w), vec4(s[4].w, s[5].w, s[6].w, s[7].w));
}

// The invocation's eight positions of one row of the K-tile.
fn positions_of(s: u32) -> Row {
    return Row(
        tile_src[s],
        tile_src[s + 8u],
        tile_src[s + 16u],
        tile_src[s + 24u],
        tile_src[s + 32u],
        tile_src[s + 40u],
        tile_src[s + 48u],
        tile_src[s + 56u],
    );
}

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let at = place(group, index);
    let in_blocks = (params.in_channels + 3u) / 4u;

    // Output blocks local.y and local.y + 8 of the tile, at positions local.x + 8 * {0, .., 7}.
    var low: Row;
    var high: Row;
    var buffer = 0u;
    put_share(buffer, index, fetch_share(at, 0u, 0u));
    workgroupBarrier();
    for (var tap = 0u; tap < TAPS; tap++) {
        for (var first = 0u; first < in_blocks; first += K_BLOCKS) {
            // After the last channels of a tap come the first of the next.
            let is_last = first + K_BLOCKS >= in_blocks;
            let next = fetch_share(at, tap + u32(is_last), select(first + K_BLOCKS, 0u, is_last));
            for (var row = 0u; row < K_BLOCKS; row++) {
                let corner = (buffer * K_BLOCKS + row) * TILE;
                let s = positions_of(corner + local.x);
                add_block(&low, corner + local.y * 4u, s);
                add_block(&high, corner + local.y * 4u + 32u, s);
            }
            buffer = 1u - buffer;
            put_share(buffer, index, next);
            workgroupBarrier();
        }
    }
    let block = group.y * TILE_BLOCKS + local.y;
    let first = group.x * TILE + local.x;
    store_row(group.z, block, first, 8u, &low);
    store_row(group.z, block + 8u, first, 8u, &high);
}

// Gram matrix, rung 2: tiles in workgroup memory, one triangle only.
//
// The formula is in 1_naive. It is a GEMM of F and its transpose, whose K dimension is the positions. There are few tiles
// of results and many positions, so the positions are divided into splits, each for other workgroups ("split-K"). A
// workgroup computes a tile of 32 rows by 32 columns and iterates over its split in K-tiles of 16. Each invocation loads
// one vec4 into workgroup memory: the first 128 from the channels of the rows, the others from those of the columns. Then
// each multiplies its 4 rows by 1 column. G is symmetric, so tiles below the diagonal are not computed: gram/finish, which
// adds the splits, mirrors them. (gram/symmetrize is for the backward pass.)
//
// Launch: workgroups of 32 x 8; x and y cover column and row tiles, z splits of the positions.
// Reads:  a K-tile is 256 vec4 for 32 * 32 * 16 multiply-adds, a quarter of a byte each, 20 times less than naive. From
//         workgroup memory still five values for four multiply-adds; columns four apart are in one bank, which
//         serves them one after another.
// Costs:  4 KiB of workgroup memory, and two barriers a K-tile.
// Next:   3_registers computes more results per invocation, and pads its rows.

struct Params { channels: u32, positions: u32, splits: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;            // [channels / 4][positions]
@group(0) @binding(1) var<storage, read_write> partials: array<vec4<f32>>; // [splits][channels / 4][channels]
@group(0) @binding(2) var<uniform> params: Params;

const TILE_BLOCKS = 8u;  // blocks of four channels along an edge of the tile
const K_TILE = 16u;      // positions

var<workgroup> tile_rows: array<vec4<f32>, 128>;     // [TILE_BLOCKS][K_TILE]
var<workgroup> tile_columns: array<vec4<f32>, 128>;  // [TILE_BLOCKS][K_TILE]

fn feature(block: u32, p: u32, end: u32) -> vec4<f32> {
    if block * 4u < params.channels && p < end {
        return src[block * params.positions + p];
    }
    return vec4(0.0);
}

@compute @workgroup_size(32, 8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    if group.x < group.y {
        return;
    }
    let per_split = (params.positions + params.splits - 1u) / params.splits;
    let end = min((group.z + 1u) * per_split, params.positions);
    let half = index % 128u;
    var sum = vec4(0.0);
    for (var first = group.z * per_split; first < end; first += K_TILE) {
        // All invocations are done with the previous K-tile.
        workgroupBarrier();
        if index < 128u {
            tile_rows[half] = feature(group.y * TILE_BLOCKS + half / K_TILE, first + half % K_TILE, end);
        } else {
            tile_columns[half] = feature(group.x * TILE_BLOCKS + half / K_TILE, first + half % K_TILE, end);
        }
        workgroupBarrier();
        for (var p = 0u; p < K_TILE; p++) {
            sum += tile_rows[local.y * K_TILE + p] * tile_columns[local.x / 4u * K_TILE + p][local.x % 4u];
        }
    }
    let blocks = (params.channels + 3u) / 4u;
    let row_block = group.y * TILE_BLOCKS + local.y;
    let column = group.x * TILE_BLOCKS * 4u + local.x;
    if row_block < blocks && column < params.channels {
        partials[(group.z * blocks + row_block) * params.channels + column] = sum;
    }
}

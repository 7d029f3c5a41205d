// Gram matrix, last stage: adds the splits, divides by the number of positions, mirrors the triangle.
//
//   G[i][j] = scale * sum over splits s of partials[s][i][j]
//
// Tiles of `tile` rows and columns below the diagonal were not computed: their elements are read from the other side of
// the diagonal.
//
// On a GPU a narrow layer has few elements and many splits: 64 channels have 1024 vec4, and 512 splits. One invocation an
// element would leave most of the device idle and wait for memory hundreds of times, 67 us on an H200 (27 November 2026, 256
// splits). So there SHARES invocations add a part of the splits each, and one of them their sums, from workgroup memory. By
// count 512 splits are 8 MiB, 2 us at the speed of memory, and 32 loads in a row, some 8 us; it takes 18. On a CPU a
// barrier costs more than it saves, and SHARES is 1.
//
// Launch: workgroups of 16 x 16; x covers columns j in tiles of 16, y blocks of four rows i in tiles of 16 / SHARES.
// Reads:  splits * 16 bytes for 16 that are written.

override SHARES: u32 = 1u;

struct Params { channels: u32, splits: u32, tile: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> partials: array<vec4<f32>>; // [splits][channels / 4][channels]
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>; // [channels / 4][channels]
@group(0) @binding(2) var<uniform> params: Params;

const COLUMNS = 16u;
const ROWS = 16u;

var<workgroup> share_sums: array<vec4<f32>, ROWS * COLUMNS>;

// Four rows of one column, of one split.
fn partial(split: u32, row_block: u32, column: u32) -> vec4<f32> {
    let blocks = (params.channels + 3u) / 4u;
    let base = split * blocks * params.channels;
    if row_block * 4u / params.tile <= column / params.tile {
        return partials[base + row_block * params.channels + column];
    }
    let across = base + column / 4u * params.channels + row_block * 4u;
    var mirrored = vec4(0.0);
    for (var k = 0u; k < 4u; k++) {
        if row_block * 4u + k < params.channels {
            mirrored[k] = partials[across + k][column % 4u];
        }
    }
    return mirrored;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let column = group.x * COLUMNS + local.x;
    let row_block = group.y * (ROWS / SHARES) + local.y / SHARES;
    let share = local.y % SHARES;
    let inside = column < params.channels && row_block * 4u < params.channels;
    var sum = vec4(0.0);
    if inside {
        for (var split = share; split < params.splits; split += SHARES) {
            sum += partial(split, row_block, column);
        }
    }
    if SHARES > 1u {
        share_sums[local.y * COLUMNS + local.x] = sum;
        workgroupBarrier();
        if share > 0u {
            return;
        }
        for (var other = 1u; other < SHARES; other++) {
            sum += share_sums[(local.y + other) * COLUMNS + local.x];
        }
    }
    if inside {
        dst[row_block * params.channels + column] = params.scale * sum;
    }
}

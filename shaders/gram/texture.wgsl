// Gram matrix for drivers that run on the CPU: registers, texture fetches, one triangle only.
//
// The formula is in 1_naive; why textures, in conv/texture. Here the lanes share out the positions:
// lane l of 64 takes positions l, l + 64, ... and keeps a tile of 16 rows by 16 columns of partial
// sums in registers, 8 fetches for 256 multiply-adds a lane. At the end the 64 lanes' tiles are added
// through workgroup memory, a block of 4 x 4 after the other.
//
// Launch: workgroups of 64; x and y cover column and row tiles of 16 channels, z splits of the
// positions. Tiles below the diagonal are skipped; gram/finish mirrors them.

struct Params { channels: u32, positions: u32, splits: u32 }

@group(0) @binding(0) var src: texture_2d<f32>;                            // [channels / 4][positions], linear
@group(0) @binding(1) var<storage, read_write> partials: array<vec4<f32>>; // [splits][channels / 4][channels]
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> lanes: array<mat4x4<f32>, 64>;

fn feature(block: u32, p: u32) -> vec4<f32> {
    let i = min(block, (params.channels - 1u) / 4u) * params.positions + p;
    return textureLoad(src, vec2(i & 4095u, i >> 12u), 0);
}

fn outer(rows: vec4<f32>, columns: vec4<f32>) -> mat4x4<f32> {
    return mat4x4(rows * columns.x, rows * columns.y, rows * columns.z, rows * columns.w);
}

// Adds the 64 lanes' matrices and writes the sum to rows of block `row` and columns from 4 * `column`.
fn finish(value: mat4x4<f32>, row: u32, column: u32, split: u32, local: u32) {
    workgroupBarrier();
    lanes[local] = value;
    workgroupBarrier();
    let blocks = (params.channels + 3u) / 4u;
    let c = column * 4u + local;
    if local < 4u && row < blocks && c < params.channels {
        var sum = vec4(0.0);
        for (var lane = 0u; lane < 64u; lane++) {
            sum += lanes[lane][local];
        }
        partials[(split * blocks + row) * params.channels + c] = sum;
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if group.x < group.y {
        return;
    }
    let row = group.y * 4u;
    let column = group.x * 4u;
    var sums: array<mat4x4<f32>, 16>;  // [4 blocks of rows][4 blocks of columns]
    for (var p = group.z * 64u + local; p < params.positions; p += params.splits * 64u) {
        var columns: array<vec4<f32>, 4>;
        for (var b = 0u; b < 4u; b++) {
            columns[b] = feature(column + b, p);
        }
        for (var a = 0u; a < 4u; a++) {
            let rows = feature(row + a, p);
            for (var b = 0u; b < 4u; b++) {
                sums[a * 4u + b] += outer(rows, columns[b]);
            }
        }
    }
    for (var a = 0u; a < 4u; a++) {
        for (var b = 0u; b < 4u; b++) {
            finish(sums[a * 4u + b], row + a, column + b, group.z, local);
        }
    }
}

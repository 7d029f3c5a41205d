// Gram matrix, rung 2: tiles in workgroup memory, one triangle only.
//
// The formula is in 1_naive. A workgroup owns a tile of 64 rows by 64 columns and walks its split of
// the positions in slabs of 16: the slab's features of both channel ranges go to workgroup
// memory, then every invocation multiplies 4 rows by 4 columns. G is symmetric, so tiles below the
// diagonal are not computed; gram/finish mirrors them.
//
// Launch: workgroups of 16 x 16; x and y cover column and row tiles, z splits of the positions.
// Reads:  2 vec4 an invocation a slab for 256 multiply-adds.
// Next:   more results an invocation.

struct Params { channels: u32, positions: u32, splits: u32 }

@group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;            // [channels / 4][positions]
@group(0) @binding(1) var<storage, read_write> partials: array<vec4<f32>>; // [splits][channels / 4][channels]
@group(0) @binding(2) var<uniform> params: Params;

const SLAB = 16u;  // positions

var<workgroup> slab_rows: array<vec4<f32>, 256>;     // [16 blocks][SLAB]
var<workgroup> slab_columns: array<vec4<f32>, 256>;  // [16 blocks][SLAB]

fn feature(block: u32, p: u32, end: u32) -> vec4<f32> {
    if block * 4u < params.channels && p < end {
        return src[block * params.positions + p];
    }
    return vec4(0.0);
}

@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    if group.x < group.y {
        return;
    }
    let per_split = (params.positions + params.splits - 1u) / params.splits;
    let end = min((group.z + 1u) * per_split, params.positions);
    var sums = mat4x4<f32>();  // column k: rows of block local.y times channel k of block local.x
    for (var first = group.z * per_split; first < end; first += SLAB) {
        // Everyone is done with the previous slab.
        workgroupBarrier();
        let at = local.y * SLAB + local.x;
        slab_rows[at] = feature(group.y * 16u + local.y, first + local.x, end);
        slab_columns[at] = feature(group.x * 16u + local.y, first + local.x, end);
        workgroupBarrier();
        for (var p = 0u; p < SLAB; p++) {
            let rows = slab_rows[local.y * SLAB + p];
            let columns = slab_columns[local.x * SLAB + p];
            sums += mat4x4(rows * columns.x, rows * columns.y, rows * columns.z, rows * columns.w);
        }
    }
    let blocks = (params.channels + 3u) / 4u;
    let row_block = group.y * 16u + local.y;
    let column = (group.x * 16u + local.x) * 4u;
    if row_block >= blocks {
        return;
    }
    let at = (group.z * blocks + row_block) * params.channels + column;
    if column < params.channels { partials[at] = sums[0]; }
    if column + 1u < params.channels { partials[at + 1u] = sums[1]; }
    if column + 2u < params.channels { partials[at + 2u] = sums[2]; }
    if column + 3u < params.channels { partials[at + 3u] = sums[3]; }
}

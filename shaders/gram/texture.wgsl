// Gram matrix for drivers that run on the CPU: registers, subgroup broadcasts, a storage texture, one triangle only.
//
// The formula is in 1_naive; conv/texture explains the textures. This kernel is conv/texture with other roles: the sum is
// over the positions. Each lane holds 32 rows by 8 columns of the matrix in registers. For four positions it loads its own
// 8 columns, two blocks of channels, and one of the 8 blocks of rows, which subgroupBroadcast distributes: 12 loads for
// 1024 multiply-adds a lane. No lane's sum is added to another's, so there is no workgroup memory and no barrier. Needs
// subgroups of at least 8 lanes.
//
// Launch: workgroups of 8, a subgroup each; x covers columns in tiles of 64, y rows in tiles of 32, z splits of the
//         positions. Tiles of 64 x 64 below the diagonal are skipped; gram/finish mirrors them.
// Reads:  12 texels for 1024 multiply-adds: a fifth of a byte each, for each lane.
// Tried:  lanes that divide the positions among them, each with a tile of 16 x 16, and add their tiles through workgroup
//         memory: ten times slower, nearly all of it spent at the barriers.

struct Params { channels: u32, positions: u32, splits: u32 }

@group(0) @binding(0) var src: texture_storage_2d<rgba32float, read>;       // [channels / 4][positions], linear
@group(0) @binding(1) var<storage, read_write> partials: array<vec4<f32>>;  // [splits][channels / 4][channels]
@group(0) @binding(2) var<uniform> params: Params;

alias Columns = array<vec4<f32>, 8>;  // for each of 8 columns a vec4 over four rows, or over four positions

// Four channels at a position, zeros from `end` on.
fn feature(block: u32, p: u32, end: u32) -> vec4<f32> {
    let i = min(block, (params.channels - 1u) / 4u) * params.positions + min(p, end - 1u);
    return textureLoad(src, vec2(i & 4095u, i >> 12u)) * select(0.0, 1.0, p < end);
}

// Adds the products of four rows with the columns at four positions. The loop has a constant length, so it is unrolled and
// the arrays are in registers.
fn multiply_add(sums: ptr<function, Columns>, rows: mat4x4<f32>, columns: ptr<function, Columns>) {
    for (var c = 0u; c < 8u; c++) {
        (*sums)[c] += rows * (*columns)[c];
    }
}

fn store(split: u32, row_block: u32, first_column: u32, sums: ptr<function, Columns>) {
    let blocks = (params.channels + 3u) / 4u;
    if row_block >= blocks {
        return;
    }
    for (var c = 0u; c < 8u; c++) {
        if first_column + c < params.channels {
            partials[(split * blocks + row_block) * params.channels + first_column + c] = (*sums)[c];
        }
    }
}

@compute @workgroup_size(8)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    if group.x < group.y / 2u {
        return;
    }
    let row = group.y * 8u;
    let column = group.x * 16u + local * 2u;
    let share = (params.positions + params.splits - 1u) / params.splits;
    let first = min(group.z * share, params.positions);
    let end = min(first + share, params.positions);

    var sums0: Columns; var sums1: Columns; var sums2: Columns; var sums3: Columns;
    var sums4: Columns; var sums5: Columns; var sums6: Columns; var sums7: Columns;
    for (var p = first; p < end; p += 4u) {
        var columns: Columns;
        for (var b = 0u; b < 2u; b++) {
            let at = transpose(mat4x4(
                feature(column + b, p, end),
                feature(column + b, p + 1u, end),
                feature(column + b, p + 2u, end),
                feature(column + b, p + 3u, end),
            ));
            for (var c = 0u; c < 4u; c++) {
                columns[4u * b + c] = at[c];
            }
        }
        let r0 = feature(row + min(lane, 7u), p, end);
        let r1 = feature(row + min(lane, 7u), p + 1u, end);
        let r2 = feature(row + min(lane, 7u), p + 2u, end);
        let r3 = feature(row + min(lane, 7u), p + 3u, end);
        // A broadcast's lane must be written as a constant, hence eight lines and no loop.
        multiply_add(&sums0, mat4x4(subgroupBroadcast(r0, 0u), subgroupBroadcast(r1, 0u), subgroupBroadcast(r2, 0u), subgroupBroadcast(r3, 0u)), &columns);
        multiply_add(&sums1, mat4x4(subgroupBroadcast(r0, 1u), subgroupBroadcast(r1, 1u), subgroupBroadcast(r2, 1u), subgroupBroadcast(r3, 1u)), &columns);
        multiply_add(&sums2, mat4x4(subgroupBroadcast(r0, 2u), subgroupBroadcast(r1, 2u), subgroupBroadcast(r2, 2u), subgroupBroadcast(r3, 2u)), &columns);
        multiply_add(&sums3, mat4x4(subgroupBroadcast(r0, 3u), subgroupBroadcast(r1, 3u), subgroupBroadcast(r2, 3u), subgroupBroadcast(r3, 3u)), &columns);
        multiply_add(&sums4, mat4x4(subgroupBroadcast(r0, 4u), subgroupBroadcast(r1, 4u), subgroupBroadcast(r2, 4u), subgroupBroadcast(r3, 4u)), &columns);
        multiply_add(&sums5, mat4x4(subgroupBroadcast(r0, 5u), subgroupBroadcast(r1, 5u), subgroupBroadcast(r2, 5u), subgroupBroadcast(r3, 5u)), &columns);
        multiply_add(&sums6, mat4x4(subgroupBroadcast(r0, 6u), subgroupBroadcast(r1, 6u), subgroupBroadcast(r2, 6u), subgroupBroadcast(r3, 6u)), &columns);
        multiply_add(&sums7, mat4x4(subgroupBroadcast(r0, 7u), subgroupBroadcast(r1, 7u), subgroupBroadcast(r2, 7u), subgroupBroadcast(r3, 7u)), &columns);
    }
    store(group.z, row, column * 4u, &sums0);
    store(group.z, row + 1u, column * 4u, &sums1);
    store(group.z, row + 2u, column * 4u, &sums2);
    store(group.z, row + 3u, column * 4u, &sums3);
    store(group.z, row + 4u, column * 4u, &sums4);
    store(group.z, row + 5u, column * 4u, &sums5);
    store(group.z, row + 6u, column * 4u, &sums6);
    store(group.z, row + 7u, column * 4u, &sums7);
}

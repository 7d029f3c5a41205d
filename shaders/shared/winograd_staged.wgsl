// Winograd, output transform: the workgroup stores a row of outputs of all of its tiles together.
//
// An invocation has OUTPUTS neighbouring outputs of a row. If each stored its own, one instruction of a subgroup would write
// to memory in steps of OUTPUTS vec4, a part of a cache line each, and all of the lines again with the next instruction. So
// a row goes through workgroup memory: invocation i stores output i % OUTPUTS of tile i / OUTPUTS, and neighbours store to
// neighbouring addresses. On an H200 (27 November 2026), with F(4x4) alone: 3.9 TB/s instead of 2.1, of a roof of 4.1. In an
// evaluation, where direct stores moved 1.4 in bands of 32 MiB, it moves 2.3 to 2.9 in larger bands where layers are wide.
//
// Banks: a tile's outputs and one of padding are an odd number of vec4, so that invocations which put the same output of
// neighbouring tiles use different banks.

// The tiles of the workgroup, and a row of their outputs.
var<workgroup> group_tiles: array<Tile, 64>;
var<workgroup> row_outputs: array<vec4<f32>, 64u * (OUTPUTS + 1u)>;

fn store_at(tile: Tile, x: u32, y: u32, value: vec4<f32>) {
    row_outputs[tile.id % 64u * (OUTPUTS + 1u) + x] = value;
}

fn end_row(tile: Tile, y: u32) {
    workgroupBarrier();
    for (var i = tile.id % 64u; i < 64u * OUTPUTS; i += 64u) {
        let owner = group_tiles[i / OUTPUTS];
        if owner.id < params.blocks * params.tiles {
            store_output(owner, i % OUTPUTS, y, row_outputs[i / OUTPUTS * (OUTPUTS + 1u) + i % OUTPUTS]);
        }
    }
    // All is stored before the next row is put.
    workgroupBarrier();
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    // A multiple of 64 and the invocation's own number: so `id % 64` is `local`. Beyond the last tile, what is computed is
    // not stored.
    let tile = tile_of(linear_index(group, grid, local, 64u));
    group_tiles[local] = tile;
    transform_output(tile);
}

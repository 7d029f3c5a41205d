// Winograd, output transform: every invocation stores the outputs of its tile as they become known.

fn store_at(tile: Tile, x: u32, y: u32, value: vec4<f32>) {
    store_output(tile, x, y, value);
}

fn end_row(tile: Tile, y: u32) {}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let id = linear_index(group, grid, local, 64u);
    if id < params.blocks * params.tiles {
        transform_output(tile_of(id));
    }
}

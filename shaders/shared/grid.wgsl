// A grid has at most 65535 workgroups in one dimension, so a long 1-D range uses two: workgroup (x, y) has elements
// [(y * grid.x + x) * size, +size). The last row may exceed the range: every kernel compares its index with the number of
// elements.
fn linear_index(group: vec3<u32>, grid: vec3<u32>, local: u32, size: u32) -> u32 {
    return (group.y * grid.x + group.x) * size + local;
}

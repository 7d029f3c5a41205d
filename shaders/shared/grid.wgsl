// A grid takes at most 65535 workgroups in one direction, so a long 1-D range is laid over two:
// workgroup (x, y) holds elements [(y * grid.x + x) * size, +size). The last row may run past the
// end: every kernel compares its index with the number of elements it was given.
fn linear_index(group: vec3<u32>, grid: vec3<u32>, local: u32, size: u32) -> u32 {
    return (group.y * grid.x + group.x) * size + local;
}

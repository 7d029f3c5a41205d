// Stores four results of a row of C, those that exist. Elements of C are stored one by one, because rows of any length begin
// anywhere, and a vec4 may be shared by two invocations.
fn put(row: u32, column: u32, values: vec4<f32>) {
    if row >= params.m {
        return;
    }
    let i = row * params.n + column;
    if column < params.n {
        c[i] = values.x;
    }
    if column + 1u < params.n {
        c[i + 1u] = values.y;
    }
    if column + 2u < params.n {
        c[i + 2u] = values.z;
    }
    if column + 3u < params.n {
        c[i + 3u] = values.w;
    }
}

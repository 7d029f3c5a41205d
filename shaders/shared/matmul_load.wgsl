// Four numbers of a row of A or of B, from column `i`, a multiple of four; zeros outside the matrix. A row that begins
// within a vec4, because rows are no multiple of four numbers long, is read number by number.
fn load_a(row: u32, i: u32) -> vec4<f32> {
    if row >= params.m || i >= params.k {
        return vec4(0.0);
    }
    let at = row * params.k + i;
    if params.k % 4u == 0u {
        return a[at / 4u];
    }
    var values = vec4(a[at / 4u][at % 4u], 0.0, 0.0, 0.0);
    if i + 1u < params.k {
        values.y = a[(at + 1u) / 4u][(at + 1u) % 4u];
    }
    if i + 2u < params.k {
        values.z = a[(at + 2u) / 4u][(at + 2u) % 4u];
    }
    if i + 3u < params.k {
        values.w = a[(at + 3u) / 4u][(at + 3u) % 4u];
    }
    return values;
}

fn load_b(i: u32, column: u32) -> vec4<f32> {
    if i >= params.k || column >= params.n {
        return vec4(0.0);
    }
    let at = i * params.n + column;
    if params.n % 4u == 0u {
        return b[at / 4u];
    }
    var values = vec4(b[at / 4u][at % 4u], 0.0, 0.0, 0.0);
    if column + 1u < params.n {
        values.y = b[(at + 1u) / 4u][(at + 1u) % 4u];
    }
    if column + 2u < params.n {
        values.z = b[(at + 2u) / 4u][(at + 2u) % 4u];
    }
    if column + 3u < params.n {
        values.w = b[(at + 3u) / 4u][(at + 3u) % 4u];
    }
    return values;
}

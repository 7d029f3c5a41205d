// Winograd's F(4x4, 3x3): sixteen outputs of a 3x3 convolution from 36 multiplications instead of 144.
//
// A convolution is a product of polynomials, which can be computed by evaluating both at enough points, multiplying the
// values, and interpolating (Toom and Cook; Winograd 1980; Lavin & Gray 2016 for networks). Four outputs of a filter of
// three need six points:
//
//   0, 1/sqrt 2, -1/sqrt 2, sqrt 2, -sqrt 2, infinity
//
// They have about half the rounding error of the usual 0, 1, -1, 2, -2 (Barabasz et al. 2020), and x -> 1/x maps the set to
// itself. The latter is needed because the backward pass rotates a filter by 180 degrees, which reverses its polynomial:
// its value at x is x^2 times the original's at 1/x. So the rotated filter at a point is the filter at the inverse point,
// times 1, -2, -2, -1/2, -1/2, 1, and both passes read one set of filters.
//
// In one dimension y = A' [(G g) * (B' d)] for six inputs d and four outputs y; in two, the transforms are applied to the
// rows and then to the columns. G is applied on the host when weights are loaded.

const OUTPUTS = 4u;  // outputs along the edge of a tile; tiles of input overlap by two
const POINTS = 6u;   // inputs along its edge, and points

alias Line = array<Element, 6>;
alias Outputs = array<Element, 4>;

const SMALL = 0.70710678;  // 1 / sqrt 2
const LARGE = 1.41421356;  // sqrt 2

// The backward pass reads the forward filters: it stores its values, scaled, at the points of the rotated filter, and reads
// the results from there.
override BACKWARD: bool = false;

// B' d: row p has the coefficients of M(x) / (x - p), where M(x) = x (x^2 - 1/2) (x^2 - 2).
fn to_points(d: Line) -> Line {
    let even_small = d[4] - 2.0 * d[2];
    let odd_small = SMALL * (d[3] - 2.0 * d[1]);
    let even_large = d[4] - 0.5 * d[2];
    let odd_large = LARGE * (d[3] - 0.5 * d[1]);
    let v = Line(
        d[0] - 2.5 * d[2] + d[4],
        even_small + odd_small,
        even_small - odd_small,
        even_large + odd_large,
        even_large - odd_large,
        d[1] - 2.5 * d[3] + d[5],
    );
    if BACKWARD {
        return Line(v[5], -0.5 * v[3], -0.5 * v[4], -2.0 * v[1], -2.0 * v[2], v[0]);
    }
    return v;
}

// A' m: output i is the sum of x^i m over the points; infinity adds to the last output only.
fn from_points(results: Line) -> Outputs {
    var m = results;
    if BACKWARD {
        m = Line(m[5], m[3], m[4], m[1], m[2], m[0]);
    }
    let even_small = m[1] + m[2];
    let odd_small = SMALL * (m[1] - m[2]);
    let even_large = m[3] + m[4];
    let odd_large = LARGE * (m[3] - m[4]);
    return Outputs(
        m[0] + even_small + even_large,
        odd_small + odd_large,
        0.5 * even_small + 2.0 * even_large,
        0.5 * odd_small + 2.0 * odd_large + m[5],
    );
}

// The rest is written out because registers have no addresses: see shared/row. The kernel that imports this defines what
// an Element is, how to load and store element x, y of its tile, and what to do at the end of a row of outputs.

fn load_line(tile: Tile, y: u32) -> Line {
    return Line(
        load_at(tile, 0u, y),
        load_at(tile, 1u, y),
        load_at(tile, 2u, y),
        load_at(tile, 3u, y),
        load_at(tile, 4u, y),
        load_at(tile, 5u, y),
    );
}

// V = B' d B: transforms the rows of a tile, then the columns of the result.
fn transform_input(tile: Tile) {
    let r0 = to_points(load_line(tile, 0u));
    let r1 = to_points(load_line(tile, 1u));
    let r2 = to_points(load_line(tile, 2u));
    let r3 = to_points(load_line(tile, 3u));
    let r4 = to_points(load_line(tile, 4u));
    let r5 = to_points(load_line(tile, 5u));
    store_values(tile, 0u, to_points(Line(r0[0], r1[0], r2[0], r3[0], r4[0], r5[0])));
    store_values(tile, 1u, to_points(Line(r0[1], r1[1], r2[1], r3[1], r4[1], r5[1])));
    store_values(tile, 2u, to_points(Line(r0[2], r1[2], r2[2], r3[2], r4[2], r5[2])));
    store_values(tile, 3u, to_points(Line(r0[3], r1[3], r2[3], r3[3], r4[3], r5[3])));
    store_values(tile, 4u, to_points(Line(r0[4], r1[4], r2[4], r3[4], r4[4], r5[4])));
    store_values(tile, 5u, to_points(Line(r0[5], r1[5], r2[5], r3[5], r4[5], r5[5])));
}

fn store_values(tile: Tile, x: u32, column: Line) {
    store_at(tile, x, 0u, column[0]);
    store_at(tile, x, 1u, column[1]);
    store_at(tile, x, 2u, column[2]);
    store_at(tile, x, 3u, column[3]);
    store_at(tile, x, 4u, column[4]);
    store_at(tile, x, 5u, column[5]);
}

// y = A' M A: transforms the columns, then the rows of the result, since rows are stored as a whole.
fn transform_output(tile: Tile) {
    let c0 = from_points(load_column(tile, 0u));
    let c1 = from_points(load_column(tile, 1u));
    let c2 = from_points(load_column(tile, 2u));
    let c3 = from_points(load_column(tile, 3u));
    let c4 = from_points(load_column(tile, 4u));
    let c5 = from_points(load_column(tile, 5u));
    store_outputs(tile, 0u, from_points(Line(c0[0], c1[0], c2[0], c3[0], c4[0], c5[0])));
    store_outputs(tile, 1u, from_points(Line(c0[1], c1[1], c2[1], c3[1], c4[1], c5[1])));
    store_outputs(tile, 2u, from_points(Line(c0[2], c1[2], c2[2], c3[2], c4[2], c5[2])));
    store_outputs(tile, 3u, from_points(Line(c0[3], c1[3], c2[3], c3[3], c4[3], c5[3])));
}

fn load_column(tile: Tile, x: u32) -> Line {
    return Line(
        load_at(tile, x, 0u),
        load_at(tile, x, 1u),
        load_at(tile, x, 2u),
        load_at(tile, x, 3u),
        load_at(tile, x, 4u),
        load_at(tile, x, 5u),
    );
}

fn store_outputs(tile: Tile, y: u32, row: Outputs) {
    store_at(tile, 0u, y, row[0]);
    store_at(tile, 1u, y, row[1]);
    store_at(tile, 2u, y, row[2]);
    store_at(tile, 3u, y, row[3]);
    end_row(tile, y);
}

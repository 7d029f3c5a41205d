// Winograd's F(4x4, 3x3): sixteen outputs of a 3x3 convolution from 36 products instead of 144.
//
// A convolution is a product of polynomials, and a product of polynomials can be had by evaluating
// both at enough points, multiplying the values, and interpolating (Toom and Cook; Winograd 1980;
// Lavin & Gray 2016 for networks). For four outputs of a filter of three six points will do. Here:
//
//   0, 1/sqrt 2, -1/sqrt 2, sqrt 2, -sqrt 2, infinity
//
// They give about half the rounding error of the usual 0, 1, -1, 2, -2 (Barabasz et al. 2020), and
// x -> 1/x maps the set to itself. That matters: turning a filter by half a turn, as the backward pass
// does, reverses its polynomial, whose value at x is x^2 times the old one's at 1/x. So the turned filter
// at a point is the filter at the inverse point, times 1, -2, -2, -1/2, -1/2, 1, and one set of filters serves
// both ways.
//
// In one dimension y = A' [(G g) * (B' d)] for six inputs d and four outputs y; in two, the transforms
// are applied to the columns and then to the rows. G is applied by the host when weights are loaded.

const OUTPUTS = 4u;  // outputs along the edge of a tile; tiles of input overlap by two
const POINTS = 6u;   // inputs along its edge, and points

alias Line = array<vec4<f32>, 6>;

const SMALL = 0.70710678;  // 1 / sqrt 2
const LARGE = 1.41421356;  // sqrt 2

// The backward pass reads the forward filters: its values go to where the filter's lie, scaled, and its
// products come from there.
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

// A' m: output i is the sum of x^i m over the points, infinity adding to the last one only.
fn from_points(products: Line) -> Outputs {
    var m = products;
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

// What follows is written out because registers have no addresses: see shared/row.

alias Square = array<Line, 6>;
alias Outputs = array<vec4<f32>, 4>;

fn load_line(tile: Tile, y: u32) -> Line {
    return Line(load_at(tile, 0u, y), load_at(tile, 1u, y), load_at(tile, 2u, y), load_at(tile, 3u, y), load_at(tile, 4u, y), load_at(tile, 5u, y));
}

// All of a tile, [y][x].
fn load_square(tile: Tile) -> Square {
    return Square(load_line(tile, 0u), load_line(tile, 1u), load_line(tile, 2u), load_line(tile, 3u), load_line(tile, 4u), load_line(tile, 5u));
}

fn transposed(s: Square) -> Square {
    return Square(
        Line(s[0][0], s[1][0], s[2][0], s[3][0], s[4][0], s[5][0]),
        Line(s[0][1], s[1][1], s[2][1], s[3][1], s[4][1], s[5][1]),
        Line(s[0][2], s[1][2], s[2][2], s[3][2], s[4][2], s[5][2]),
        Line(s[0][3], s[1][3], s[2][3], s[3][3], s[4][3], s[5][3]),
        Line(s[0][4], s[1][4], s[2][4], s[3][4], s[4][4], s[5][4]),
        Line(s[0][5], s[1][5], s[2][5], s[3][5], s[4][5], s[5][5]),
    );
}

// B' d B, [x][y].
fn square_to_points(d: Square) -> Square {
    let c = transposed(Square(to_points(d[0]), to_points(d[1]), to_points(d[2]), to_points(d[3]), to_points(d[4]), to_points(d[5])));
    return Square(to_points(c[0]), to_points(c[1]), to_points(c[2]), to_points(c[3]), to_points(c[4]), to_points(c[5]));
}

// A' M A, [x][y].
fn square_from_points(m: Square) -> array<Outputs, 4> {
    let r0 = from_points(m[0]);
    let r1 = from_points(m[1]);
    let r2 = from_points(m[2]);
    let r3 = from_points(m[3]);
    let r4 = from_points(m[4]);
    let r5 = from_points(m[5]);
    return array(
        from_points(Line(r0[0], r1[0], r2[0], r3[0], r4[0], r5[0])),
        from_points(Line(r0[1], r1[1], r2[1], r3[1], r4[1], r5[1])),
        from_points(Line(r0[2], r1[2], r2[2], r3[2], r4[2], r5[2])),
        from_points(Line(r0[3], r1[3], r2[3], r3[3], r4[3], r5[3])),
    );
}

fn store_line(tile: Tile, x: u32, column: Line) {
    store_at(tile, x, 0u, column[0]);
    store_at(tile, x, 1u, column[1]);
    store_at(tile, x, 2u, column[2]);
    store_at(tile, x, 3u, column[3]);
    store_at(tile, x, 4u, column[4]);
    store_at(tile, x, 5u, column[5]);
}

fn store_square(tile: Tile, values: Square) {
    store_line(tile, 0u, values[0]);
    store_line(tile, 1u, values[1]);
    store_line(tile, 2u, values[2]);
    store_line(tile, 3u, values[3]);
    store_line(tile, 4u, values[4]);
    store_line(tile, 5u, values[5]);
}

fn store_column(tile: Tile, x: u32, column: Outputs) {
    store_at(tile, x, 0u, column[0]);
    store_at(tile, x, 1u, column[1]);
    store_at(tile, x, 2u, column[2]);
    store_at(tile, x, 3u, column[3]);
}

fn store_outputs(tile: Tile, columns: array<Outputs, 4>) {
    store_column(tile, 0u, columns[0]);
    store_column(tile, 1u, columns[1]);
    store_column(tile, 2u, columns[2]);
    store_column(tile, 3u, columns[3]);
}

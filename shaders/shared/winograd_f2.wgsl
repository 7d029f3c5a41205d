// Winograd's F(2x2, 3x3): four outputs of a 3x3 convolution from 16 products instead of 36.
//
// A convolution is a product of polynomials, and a product of polynomials can be had by evaluating
// both at enough points, multiplying the values, and interpolating (Toom and Cook; Winograd 1980;
// Lavin & Gray 2016 for networks). For two outputs of a filter of three four points will do: 0, 1, -1
// and infinity. The transforms are additions only and round hardly more than the definition.
//
// Turning a filter by half a turn, as the backward pass does, reverses its polynomial, whose value at
// x is x^2 times the old one's at 1/x. So the turned filter is the filter with 0 and infinity exchanged.
//
// In one dimension y = A' [(G g) * (B' d)] for four inputs d and two outputs y; in two, the transforms
// are applied to the columns and then to the rows. G is applied by the host when weights are loaded.

const OUTPUTS = 2u;  // outputs along the edge of a tile; tiles of input overlap by two
const POINTS = 4u;   // inputs along its edge, and points

alias Line = array<vec4<f32>, 4>;

// The backward pass reads the forward filters: its values go to where the filter's lie, and its products
// come from there.
override BACKWARD: bool = false;

// B' d: row p has the coefficients of M(x) / (x - p), where M(x) = x (x - 1) (x + 1); the first is
// negated, as is its row of G.
fn to_points(d: Line) -> Line {
    let v = Line(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[3] - d[1]);
    if BACKWARD {
        return Line(v[3], v[1], v[2], v[0]);
    }
    return v;
}

// A' m: output i is the sum of x^i m over the points, infinity adding to the last one only.
fn from_points(m: Line) -> Outputs {
    let zero = select(m[0], m[3], BACKWARD);
    let infinity = select(m[3], m[0], BACKWARD);
    return Outputs(zero + m[1] + m[2], m[1] - m[2] + infinity);
}

// What follows is written out because registers have no addresses: see shared/row.

alias Square = array<Line, 4>;
alias Outputs = array<vec4<f32>, 2>;

fn load_line(tile: Tile, y: u32) -> Line {
    return Line(load_at(tile, 0u, y), load_at(tile, 1u, y), load_at(tile, 2u, y), load_at(tile, 3u, y));
}

// All of a tile, [y][x].
fn load_square(tile: Tile) -> Square {
    return Square(load_line(tile, 0u), load_line(tile, 1u), load_line(tile, 2u), load_line(tile, 3u));
}

fn transposed(s: Square) -> Square {
    return Square(
        Line(s[0][0], s[1][0], s[2][0], s[3][0]),
        Line(s[0][1], s[1][1], s[2][1], s[3][1]),
        Line(s[0][2], s[1][2], s[2][2], s[3][2]),
        Line(s[0][3], s[1][3], s[2][3], s[3][3]),
    );
}

// B' d B, [x][y].
fn square_to_points(d: Square) -> Square {
    let c = transposed(Square(to_points(d[0]), to_points(d[1]), to_points(d[2]), to_points(d[3])));
    return Square(to_points(c[0]), to_points(c[1]), to_points(c[2]), to_points(c[3]));
}

// A' M A, [x][y].
fn square_from_points(m: Square) -> array<Outputs, 2> {
    let r0 = from_points(m[0]);
    let r1 = from_points(m[1]);
    let r2 = from_points(m[2]);
    let r3 = from_points(m[3]);
    return array(
        from_points(Line(r0[0], r1[0], r2[0], r3[0])),
        from_points(Line(r0[1], r1[1], r2[1], r3[1])),
    );
}

fn store_line(tile: Tile, x: u32, column: Line) {
    store_at(tile, x, 0u, column[0]);
    store_at(tile, x, 1u, column[1]);
    store_at(tile, x, 2u, column[2]);
    store_at(tile, x, 3u, column[3]);
}

fn store_square(tile: Tile, values: Square) {
    store_line(tile, 0u, values[0]);
    store_line(tile, 1u, values[1]);
    store_line(tile, 2u, values[2]);
    store_line(tile, 3u, values[3]);
}

fn store_column(tile: Tile, x: u32, column: Outputs) {
    store_at(tile, x, 0u, column[0]);
    store_at(tile, x, 1u, column[1]);
}

fn store_outputs(tile: Tile, columns: array<Outputs, 2>) {
    store_column(tile, 0u, columns[0]);
    store_column(tile, 1u, columns[1]);
}

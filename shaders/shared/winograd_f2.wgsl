// Winograd's F(2x2, 3x3): four outputs of a 3x3 convolution from 16 multiplications instead of 36.
//
// A convolution is a product of polynomials, which can be computed by evaluating both at enough points, multiplying the
// values, and interpolating (Toom and Cook; Winograd 1980; Lavin & Gray 2016 for networks). Two outputs of a filter of
// three need four points: 0, 1, -1 and infinity. The transforms consist of additions, and round hardly more than the
// definition.
//
// The backward pass rotates a filter by 180 degrees, which reverses its polynomial: its value at x is x^2 times the
// original's at 1/x. So the rotated filter is the filter with 0 and infinity exchanged.
//
// In one dimension y = A' [(G g) * (B' d)] for four inputs d and two outputs y; in two, the transforms are applied to the
// rows and then to the columns. G is applied on the host when weights are loaded.

const OUTPUTS = 2u;  // outputs along the edge of a tile; tiles of input overlap by two
const POINTS = 4u;   // inputs along its edge, and points

alias Line = array<Element, 4>;
alias Outputs = array<Element, 2>;

// The backward pass reads the forward filters: it stores its values at the points of the rotated filter, and reads the
// results from there.
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

// A' m: output i is the sum of x^i m over the points; infinity adds to the last output only.
fn from_points(m: Line) -> Outputs {
    let zero = select(m[0], m[3], BACKWARD);
    let infinity = select(m[3], m[0], BACKWARD);
    return Outputs(zero + m[1] + m[2], m[1] - m[2] + infinity);
}

// The rest is written out because registers have no addresses: see shared/row. The kernel that imports this defines what
// an Element is, how to load and store element x, y of its tile, and what to do at the end of a row of outputs.

fn load_line(tile: Tile, y: u32) -> Line {
    return Line(load_at(tile, 0u, y), load_at(tile, 1u, y), load_at(tile, 2u, y), load_at(tile, 3u, y));
}

// V = B' d B: transforms the rows of a tile, then the columns of the result.
fn transform_input(tile: Tile) {
    let r0 = to_points(load_line(tile, 0u));
    let r1 = to_points(load_line(tile, 1u));
    let r2 = to_points(load_line(tile, 2u));
    let r3 = to_points(load_line(tile, 3u));
    store_values(tile, 0u, to_points(Line(r0[0], r1[0], r2[0], r3[0])));
    store_values(tile, 1u, to_points(Line(r0[1], r1[1], r2[1], r3[1])));
    store_values(tile, 2u, to_points(Line(r0[2], r1[2], r2[2], r3[2])));
    store_values(tile, 3u, to_points(Line(r0[3], r1[3], r2[3], r3[3])));
}

fn store_values(tile: Tile, x: u32, column: Line) {
    store_at(tile, x, 0u, column[0]);
    store_at(tile, x, 1u, column[1]);
    store_at(tile, x, 2u, column[2]);
    store_at(tile, x, 3u, column[3]);
}

// y = A' M A: transforms the columns, then the rows of the result, since rows are stored as a whole.
fn transform_output(tile: Tile) {
    let c0 = from_points(load_column(tile, 0u));
    let c1 = from_points(load_column(tile, 1u));
    let c2 = from_points(load_column(tile, 2u));
    let c3 = from_points(load_column(tile, 3u));
    store_outputs(tile, 0u, from_points(Line(c0[0], c1[0], c2[0], c3[0])));
    store_outputs(tile, 1u, from_points(Line(c0[1], c1[1], c2[1], c3[1])));
}

fn load_column(tile: Tile, x: u32) -> Line {
    return Line(load_at(tile, x, 0u), load_at(tile, x, 1u), load_at(tile, x, 2u), load_at(tile, x, 3u));
}

fn store_outputs(tile: Tile, y: u32, row: Outputs) {
    store_at(tile, 0u, y, row[0]);
    store_at(tile, 1u, y, row[1]);
    end_row(tile, y);
}

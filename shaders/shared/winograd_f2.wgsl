// Winograd's F(2x2, 3x3): four outputs of a 3x3 convolution from 16 products instead of 36.
//
// A convolution is a product of polynomials, and a product of polynomials can be had by evaluating
// both at enough points, multiplying the values, and interpolating (Toom and Cook; Winograd 1980;
// Lavin & Gray 2016 for networks). For two outputs of a filter of three four points will do: 0, 1, -1
// and infinity. The transforms are additions only and round hardly more than the definition.
//
// Turning a filter by half a turn, as the backward pass does, reverses its polynomial, whose value at
// x is x^2 times the old one's at 1/x. So the turned filter at point p is the filter at FLIP[p].
//
// In one dimension y = A' [(G g) * (B' d)] for four inputs d and two outputs y; in two, the transforms
// are applied to the columns and then to the rows. G is applied by the host when weights are loaded.

const OUTPUTS = 2u;  // outputs along the edge of a tile; tiles of input overlap by two
const POINTS = 4u;   // inputs along its edge, and points

alias Line = array<vec4<f32>, 4>;

const FLIP = array<u32, 4>(3u, 1u, 2u, 0u);
const FLIP_SCALE = array<f32, 4>(1.0, 1.0, 1.0, 1.0);

// B' d: row p has the coefficients of M(x) / (x - p), where M(x) = x (x - 1) (x + 1); the first is
// negated, as is its row of G.
fn to_points(d: Line) -> Line {
    return Line(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[3] - d[1]);
}

// A' m: output i is the sum of x^i m over the points, infinity adding to the last one only.
fn from_points(m: Line) -> array<vec4<f32>, 2> {
    return array(m[0] + m[1] + m[2], m[1] - m[2] + m[3]);
}

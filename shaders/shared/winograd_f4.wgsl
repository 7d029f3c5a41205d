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
// at point p is FLIP_SCALE[p] times the filter at FLIP[p], and one set of filters serves both ways.
//
// In one dimension y = A' [(G g) * (B' d)] for six inputs d and four outputs y; in two, the transforms
// are applied to the columns and then to the rows. G is applied by the host when weights are loaded.

const OUTPUTS = 4u;  // outputs along the edge of a tile; tiles of input overlap by two
const POINTS = 6u;   // inputs along its edge, and points

alias Line = array<vec4<f32>, 6>;

const SMALL = 0.70710678;  // 1 / sqrt 2
const LARGE = 1.41421356;  // sqrt 2

const FLIP = array<u32, 6>(5u, 3u, 4u, 1u, 2u, 0u);
const FLIP_SCALE = array<f32, 6>(1.0, -2.0, -2.0, -0.5, -0.5, 1.0);

// B' d: row p has the coefficients of M(x) / (x - p), where M(x) = x (x^2 - 1/2) (x^2 - 2).
fn to_points(d: Line) -> Line {
    let even_small = d[4] - 2.0 * d[2];
    let odd_small = SMALL * (d[3] - 2.0 * d[1]);
    let even_large = d[4] - 0.5 * d[2];
    let odd_large = LARGE * (d[3] - 0.5 * d[1]);
    return Line(
        d[0] - 2.5 * d[2] + d[4],
        even_small + odd_small,
        even_small - odd_small,
        even_large + odd_large,
        even_large - odd_large,
        d[1] - 2.5 * d[3] + d[5],
    );
}

// A' m: output i is the sum of x^i m over the points, infinity adding to the last one only.
fn from_points(m: Line) -> array<vec4<f32>, 4> {
    let even_small = m[1] + m[2];
    let odd_small = SMALL * (m[1] - m[2]);
    let even_large = m[3] + m[4];
    let odd_large = LARGE * (m[3] - m[4]);
    return array(
        m[0] + even_small + even_large,
        odd_small + odd_large,
        0.5 * even_small + 2.0 * even_large,
        0.5 * odd_small + 2.0 * odd_large + m[5],
    );
}

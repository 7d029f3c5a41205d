// Tone backward: a pixel is in up to four windows, and its gradient is theirs, each times the pixel's share. With tents the
// shares are those of bilinear interpolation: the gradient of the small map of tones is enlarged to the image,
//
//   d_src[c, y, x] = luma[c] / cell^2 * sum over windows of tent(y, Y) * tent(x, X) * weights[Y, X] * d_dst[Y, X]
//
// Launch: one invocation an element of the image, including the padding at the end, which gets 0.
// Reads:  eight numbers an element, of which neighbours share nearly all in the cache, and writes one.

#import shared/grid

// Add to d_src, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

struct Params { height: u32, width: u32, rows: u32, columns: u32, cell: u32 }

@group(0) @binding(0) var<storage, read> weights: array<f32>;       // as d_dst
@group(0) @binding(1) var<storage, read> d_dst: array<f32>;         // [rows][columns], padded to 4
@group(0) @binding(2) var<storage, read_write> d_src: array<f32>;   // [3][height][width], padded to 4
@group(0) @binding(3) var<uniform> params: Params;

// The gradient of a window, or 0 where there is none: pixels within half a cell of an edge are in fewer than four windows.
fn gradient(window: vec2<i32>) -> f32 {
    if any(window < vec2(0)) || any(window >= vec2(i32(params.columns), i32(params.rows))) {
        return 0.0;
    }
    let i = u32(window.y) * params.columns + u32(window.x);
    return weights[i] * d_dst[i];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&d_src) {
        return;
    }
    var d = 0.0;
    let pixels = params.height * params.width;
    if i < 3u * pixels {
        let pixel = vec2(i % params.width, i / params.width % params.height);
        // In windows, from the middle of the first.
        let cell = f32(params.cell);
        let at = (vec2<f32>(pixel) + 0.5) / cell - 0.5;
        let first = vec2<i32>(floor(at));
        let part = at - floor(at);
        let upper = mix(gradient(first), gradient(first + vec2(1, 0)), part.x);
        let lower = mix(gradient(first + vec2(0, 1)), gradient(first + vec2(1, 1)), part.x);
        let luma = vec3(0.114, 0.587, 0.299)[i / pixels];
        d = luma * mix(upper, lower, part.y) / (cell * cell);
    }
    if ACCUMULATE {
        d += d_src[i];
    }
    d_src[i] = d;
}

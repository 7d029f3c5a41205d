// Tone: how light each part of an image is. It is the luma of the image, made smaller by the factor cell with a triangle filter:
// a part is a window, and its tone is the luma of its pixels under a tent, which is 1 in the middle of the window and falls to 0
// at the middles of its neighbours,
//
//   dst[Y, X] = weights[Y, X] / cell^2 * sum over (y, x) of tent(y, Y) * tent(x, X) * luma(src[:, y, x])
//   tent(x, X) = max(0, 1 - |(x + 1/2) / cell - (X + 1/2)|)
//
// Neighbouring windows overlap, and the tents add up to 1 at each pixel, but for those within half a cell of an edge, which have
// no window beyond them. A window that reaches beyond the image is divided by cell^2 as well, so its tone is less.
//
// Launch: a workgroup of 64 for each element of dst, including the padding at the end, which gets 0. Its invocations share the
//         pixels of the window. The grid has two dimensions, because one has at most 65535 workgroups.
// Reads:  each pixel four times, once for each window that it is in.

#import shared/grid
#import shared/reduce

struct Params { height: u32, width: u32, rows: u32, columns: u32, cell: u32 }

@group(0) @binding(0) var<storage, read> src: array<f32>;           // [3][height][width]: blue, green, red
@group(0) @binding(1) var<storage, read> weights: array<f32>;       // as dst
@group(0) @binding(2) var<storage, read_write> dst: array<f32>;     // [rows][columns], padded to 4
@group(0) @binding(3) var<uniform> params: Params;

fn tent(pixel: u32, window: u32) -> f32 {
    return max(0.0, 1.0 - abs((f32(pixel) + 0.5) / f32(params.cell) - (f32(window) + 0.5)));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, 0u, 1u);
    if i >= arrayLength(&dst) {
        return;
    }
    var sum = 0.0;
    if i < params.rows * params.columns {
        let window = vec2(i % params.columns, i / params.columns);
        // The tent reaches half a cell beyond the window's own.
        let reach = params.cell / 2u;
        let begin = max(window * params.cell, vec2(reach)) - reach;
        let end = min((window + 1u) * params.cell + reach, vec2(params.width, params.height));
        let size = end - begin;
        let pixels = params.height * params.width;
        for (var k = local; k < size.x * size.y; k += 64u) {
            let at = begin + vec2(k % size.x, k / size.x);
            let p = at.y * params.width + at.x;
            let luma = 0.114 * src[p] + 0.587 * src[pixels + p] + 0.299 * src[2u * pixels + p];
            sum += tent(at.x, window.x) * tent(at.y, window.y) * luma;
        }
        let cell = f32(params.cell);
        sum *= weights[i] / (cell * cell);
    }
    let total = workgroup_sum(sum, local);
    if local == 0u {
        dst[i] = total;
    }
}

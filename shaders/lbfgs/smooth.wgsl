// L-BFGS, before 1 of 8 and after 8 of 8: the smoothing S of gradients and steps, which holds back ripples.
//
//   S v = (1 - smoothing) v + smoothing B v,   B = b b^T,  b = [1 4 6 4 1] / 16 along rows and along columns
//
// The method runs on z, where the image is x = x_0 + S z. Then d loss / dz = S^T d loss / dx, and a step s of z moves x by
// S s. That equals L-BFGS on x with S S^T in place of the identity in its initial inverse Hessian: a preconditioner. At a
// wave of 4 pixels and smoothing 0.9 a step without history is a tenth as long as one of 32 pixels. So the fine net that
// gradients through pooling have (waves of 3 to 4 pixels along rows and columns) grows only where the loss asks for it again
// and again. The minimum stays the same.
//
// Beyond its edges the image is mirrored, edge included (..., 1, 0 | 0, 1, ...): S keeps constants and is symmetric, S^T = S,
// so one kernel serves gradients and steps.
//
// Launch: one invocation an element. The padding at the end is not written. ADD is for the step: dst is the image, and is
//         left alone after a divergence, when there is no step.
// Reads:  25 values, mostly from cache.

#import shared/divergence_guard
#import shared/grid

// dst += S src in place of dst = S src.
override ADD: bool = false;

struct Params { channels: u32, height: u32, width: u32, smoothing: f32 }

@group(0) @binding(0) var<storage, read> guard: DivergenceGuard;
@group(0) @binding(1) var<storage, read> src: array<f32>;           // [channels][height][width], padded to 4
@group(0) @binding(2) var<storage, read_write> dst: array<f32>;     // as src
@group(0) @binding(3) var<uniform> params: Params;

const BINOMIAL = array<f32, 5>(0.0625, 0.25, 0.375, 0.25, 0.0625);

// Position i - 2 of a mirrored row or column of n, which may be a single one.
fn mirrored(i: u32, n: u32) -> u32 {
    var k = i32(i) - 2;
    k = select(k, -1 - k, k < 0) % i32(2u * n);
    return u32(min(k, i32(2u * n) - 1 - k));
}

fn blurred(plane: u32, y: u32, x: u32) -> f32 {
    var sum = 0.0;
    for (var dy = 0u; dy < 5u; dy++) {
        let row = plane + mirrored(y + dy, params.height) * params.width;
        var row_sum = 0.0;
        for (var dx = 0u; dx < 5u; dx++) {
            row_sum += BINOMIAL[dx] * src[row + mirrored(x + dx, params.width)];
        }
        sum += BINOMIAL[dy] * row_sum;
    }
    return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= params.channels * params.height * params.width || (ADD && guard.diverged > 0.0) {
        return;
    }
    let x = i % params.width;
    let row = i / params.width;
    let y = row % params.height;
    var value = src[i];
    if params.smoothing > 0.0 {
        value += params.smoothing * (blurred((row - y) * params.width, y, x) - value);
    }
    dst[i] = select(value, dst[i] + value, ADD);
}

// Looks at the loss of an evaluation before the optimiser moves on.
//
//   improved  the loss is the lowest so far: guard/keep copies the picture.
//   diverged  the loss is NaN, infinite, or more than `growth` times the lowest so far: guard/keep puts
//             the best picture back, and the optimiser forgets its history and starts from there.
//
// One invocation; everything stays on the device, so that no step waits for the CPU to look.

struct Guard { best: f32, improved: f32, diverged: f32, restarts: f32 }
struct Params { growth: f32 }

@group(0) @binding(0) var<storage, read> loss: array<f32>;
@group(0) @binding(1) var<storage, read_write> state: Guard;
@group(0) @binding(2) var<uniform> params: Params;

// By its bits: shader compilers may assume that NaN and infinity never happen.
fn is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(1)
fn main() {
    let now = loss[0];
    let finite = is_finite(now);
    let diverged = !finite || now > params.growth * state.best;
    let improved = finite && now < state.best;
    if improved {
        state.best = now;
    }
    state.improved = select(0.0, 1.0, improved);
    state.diverged = select(0.0, 1.0, diverged);
    state.restarts += select(0.0, 1.0, diverged);
}

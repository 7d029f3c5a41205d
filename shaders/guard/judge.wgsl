// The divergence guard: compares the loss of an evaluation with the lowest so far, before the update.
//
//   improved  the loss is the lowest so far: guard/keep copies the image.
//   diverged  the loss is NaN, infinite, or more than `divergence_factor` times the lowest: guard/keep restores the
//             best image, and the optimiser restarts from it with empty state.
//
// No value passes through the CPU, so no step waits for it.
//
// Launch: one invocation.
// Reads:  a few numbers.

#import shared/divergence
#import shared/divergence_guard

struct Params { divergence_factor: f32 }

@group(0) @binding(0) var<storage, read> loss: array<f32>;
@group(0) @binding(1) var<storage, read_write> guard: DivergenceGuard;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
    let diverged = has_diverged(loss[0], guard.lowest_loss, params.divergence_factor);
    let improved = is_finite(loss[0]) && loss[0] < guard.lowest_loss;
    if improved {
        guard.lowest_loss = loss[0];
    }
    guard.improved = select(0.0, 1.0, improved);
    guard.diverged = select(0.0, 1.0, diverged);
    guard.restarts += select(0.0, 1.0, diverged);
}

// L-BFGS, 2 of 8: decides whether the newest pair enters the history, and bounds the length of the step.
//
// A pair (s, y) is a step, the change of the image, and the change of the gradient that it caused. It is accepted if its
// curvature s.y is above `least_curvature`, 1e-10 as in PyTorch: without positive curvature the approximate Hessian would
// be indefinite. The pair replaces the oldest in the ring of `capacity` slots. The scale of the initial inverse Hessian
// is gamma = s.y / y.y (Nocedal & Wright, equation 7.20).
//
// With an empty history the step is -gradient_scale g. The first is -min(1, first_step / |g|_1) g, the second -g, as in
// PyTorch. Around a start from noise the loss has negative curvature: no pair is accepted for several steps, and g is
// short. So each further step is `growth_without_pairs` times as long, until its mean absolute value is `longest_step`.
//
// A pair of little curvature can produce a step of any length, so lbfgs/advance bounds the root mean square of a step by
// `step_limit`, in grey levels of 0 to 255. It begins at `longest_step`, is multiplied by `cut_after_divergence` and by
// `growth_after_improvement`, and never exceeds `longest_step`. A divergence is a loss that is not finite or far above
// the lowest (guard/judge); it empties the history.
//
// Launch: one workgroup of 64.
// Reads:  the partial sums of lbfgs/pair: some hundred numbers.

#import shared/divergence_guard
#import shared/lbfgs_state
#import shared/reduce

struct Params {
    groups: u32,
    capacity: u32,
    elements: f32,
    first_step: f32,
    longest_step: f32,
    least_curvature: f32,
    cut_after_divergence: f32,
    growth_after_improvement: f32,
    growth_without_pairs: f32,
}

@group(0) @binding(0) var<storage, read> guard: DivergenceGuard;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: LbfgsState;
@group(0) @binding(3) var<uniform> params: Params;

fn total(which: u32, local: u32) -> f32 {
    var sum = 0.0;
    for (var i = local; i < params.groups; i += 64u) {
        sum += partials[which * params.groups + i];
    }
    return workgroup_sum(sum, local);
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    let sy = total(0u, local);
    let yy = total(1u, local);
    let norm = total(2u, local);
    if local > 0u {
        return;
    }
    state.accepted = 0u;
    if guard.improved > 0.0 {
        state.step_limit = min(params.growth_after_improvement * state.step_limit, params.longest_step);
    }
    if guard.diverged > 0.0 {
        state.pairs = 0u;
        state.next_slot = 0u;
        state.steps = 0u;
        state.step_limit *= params.cut_after_divergence;
    } else if state.steps > 0u && sy > params.least_curvature {
        state.accepted = 1u;
        state.newest_slot = state.next_slot;
        state.next_slot = (state.next_slot + 1u) % params.capacity;
        state.pairs = min(state.pairs + 1u, params.capacity);
        state.gamma = sy / yy;
    }
    if state.steps == 0u {
        state.gradient_scale = min(1.0, params.first_step / norm);
    } else if state.steps == 1u {
        state.gradient_scale = 1.0;
    } else if state.pairs == 0u && norm > 0.0 && state.gradient_scale * norm < params.longest_step * params.elements {
        state.gradient_scale *= params.growth_without_pairs;
    }
}

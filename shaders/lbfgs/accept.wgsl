// L-BFGS, 2 of 8: is the newest pair worth keeping, where does it go, and how far may the step reach?
//
// A pair is kept if its curvature s.y is positive (above 1e-10, as PyTorch has it): a pair without it
// would make the approximate Hessian indefinite. It goes to slot `head` of the ring of `capacity`
// pairs, over the oldest. The Hessian's scale is gamma = s.y / y.y (Nocedal & Wright, equation 7.20).
//
// With no pair to go by the step is -descent g: at first min(1, first / |g|_1) times g, then g itself, as
// PyTorch has it. Where the loss curves down, as it does around a start from noise, no pair is kept for
// long, and g is short; so from then on each step is four times as long as the one before, until the
// mean number moves by `furthest`.
//
// A pair of hardly any curvature asks for a step of any length. None is longer than `reach`: a root
// mean square of `furthest` levels at first, a quarter of what it was after each divergence, and twice
// that again after each improvement. After a divergence the ring is emptied. One workgroup.

#import shared/reduce

struct Guard { best: f32, improved: f32, diverged: f32, restarts: f32 }
struct Lbfgs { count: u32, head: u32, newest: u32, accepted: u32, steps: u32, gamma: f32, descent: f32, reach: f32 }
struct Params { groups: u32, capacity: u32, first: f32, furthest: f32, curvature: f32, cut: f32, recovery: f32, growth: f32, numbers: f32 }

@group(0) @binding(0) var<storage, read> guard: Guard;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: Lbfgs;
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
        state.reach = min(params.recovery * state.reach, params.furthest);
    }
    if guard.diverged > 0.0 {
        state.count = 0u;
        state.head = 0u;
        state.steps = 0u;
        state.reach *= params.cut;
    } else if state.steps > 0u && sy > params.curvature {
        state.accepted = 1u;
        state.newest = state.head;
        state.head = (state.head + 1u) % params.capacity;
        state.count = min(state.count + 1u, params.capacity);
        state.gamma = sy / yy;
    }
    if state.steps == 0u {
        state.descent = min(1.0, params.first / norm);
    } else if state.steps == 1u {
        state.descent = 1.0;
    } else if state.count == 0u && norm > 0.0 && state.descent * norm < params.furthest * params.numbers {
        state.descent *= params.growth;
    }
}

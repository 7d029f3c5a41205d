// Adam's scalars (Kingma & Ba 2015, algorithm 1): counts the step by the powers of beta1 and beta2,
// and of the decay of the average (see adam/average).
//
// The powers are carried as products: 1 - pow(beta2, t) would lose most of its digits in the first
// steps. After a divergence (see guard/judge) the count starts anew. One invocation.

struct Guard { best: f32, improved: f32, diverged: f32, restarts: f32 }
struct Powers { beta1: f32, beta2: f32, decay: f32 }
struct Params { beta1: f32, beta2: f32, decay: f32 }

@group(0) @binding(0) var<storage, read> state: Guard;
@group(0) @binding(1) var<storage, read_write> powers: Powers;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
    if state.diverged > 0.0 {
        powers = Powers(1.0, 1.0, 1.0);
    } else {
        powers = Powers(powers.beta1 * params.beta1, powers.beta2 * params.beta2, powers.decay * params.decay);
    }
}

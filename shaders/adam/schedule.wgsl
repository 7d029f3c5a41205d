// Adam, part 1 of 3: the powers of beta1, beta2 and the decay of the average (see adam/average) after one more update
// (Kingma & Ba 2015, algorithm 1).
//
// The powers are computed as products: 1 - pow(beta2, t) would lose most of its digits in the first steps. A divergence
// (see guard/judge) sets t to 0.
//
// Launch: one invocation.
// Reads:  a few numbers.

#import shared/adam_powers
#import shared/divergence_guard

struct Params { beta1: f32, beta2: f32, decay: f32 }

@group(0) @binding(0) var<storage, read> guard: DivergenceGuard;
@group(0) @binding(1) var<storage, read_write> powers: AdamPowers;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
    if guard.diverged > 0.0 {
        powers = AdamPowers(1.0, 1.0, 1.0);
    } else {
        powers.beta1 *= params.beta1;
        powers.beta2 *= params.beta2;
        powers.average *= params.decay;
    }
}

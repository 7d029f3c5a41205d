// Adam, part 2 of 3: the step, elementwise (Kingma & Ba 2015, algorithm 1).
//
//   m = beta1 m + (1 - beta1) g              running mean of the gradient
//   v = beta2 v + (1 - beta2) g^2            running mean of its square
//   x = x - lr * m' / (sqrt(v') + epsilon)   with m' = m / (1 - beta1^t), v' = v / (1 - beta2^t)
//
// After a divergence both means are set to zero, and x is the image that guard/keep restored.
//
// Launch: one invocation a vec4, in workgroups of 64.
// Reads:  64 bytes a vec4, and writes 48: image, gradient and two means, once each.

#import shared/adam_powers
#import shared/divergence_guard
#import shared/grid

struct Params { lr: f32, beta1: f32, beta2: f32, epsilon: f32 }

@group(0) @binding(0) var<storage, read> guard: DivergenceGuard;
@group(0) @binding(1) var<storage, read> powers: AdamPowers;
@group(0) @binding(2) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> mean: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> square: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&x) {
        return;
    }
    if guard.diverged > 0.0 {
        mean[i] = vec4(0.0);
        square[i] = vec4(0.0);
        return;
    }
    let g = gradient[i];
    let m = params.beta1 * mean[i] + (1.0 - params.beta1) * g;
    let v = params.beta2 * square[i] + (1.0 - params.beta2) * g * g;
    mean[i] = m;
    square[i] = v;
    let root = sqrt(v / (1.0 - powers.beta2)) + params.epsilon;
    x[i] -= params.lr / (1.0 - powers.beta1) * m / root;
}

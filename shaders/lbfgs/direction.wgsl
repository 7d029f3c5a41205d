// L-BFGS, 5 of 8: the two-loop recursion on scalars (Nocedal & Wright, algorithm 7.4).
//
// The recursion works on vectors:  q = g;  newest to oldest: a_i = rho_i s_i.q, q -= a_i y_i;
//   r = gamma q;  oldest to newest: b_i = rho_i y_i.r, r += (a_i - b_i) s_i;  step = -t r.
// q and r are linear combinations of g, s_j and y_j with known coefficients, so each dot product is a sum of products
// that lbfgs/dots or an earlier step computed:
//   s_i.q = s_i.g - sum over newer j of a_j s_i.y_j
//   y_i.r = gamma (y_i.g - sum over all j of a_j y_i.y_j) + sum over older j of (a_j - b_j) s_j.y_i
// The result is the coefficients of the step: k_g for g, k_s and k_y for each slot. t is the step length `lr`.
// With an empty history the step is -t gradient_scale g: see lbfgs/accept.
//
// Launch: one workgroup of 64 invocations, which divide each sum over j among them. At most 256 slots.
// Reads:  the dot products, some capacity^2 numbers.

#import shared/divergence_guard
#import shared/lbfgs_state
#import shared/reduce

struct Params { lr: f32 }

// Slots of the history, and partial sums of each dot product. These loop bounds are constants: with uniforms lavapipe
// (Mesa 22.3) specialises the shader for their values and compiles it at every dispatch.
override CAPACITY: u32 = 1u;
override GROUPS: u32 = 1u;

@group(0) @binding(0) var<storage, read> guard: DivergenceGuard;
@group(0) @binding(1) var<storage, read_write> state: LbfgsState;
@group(0) @binding(2) var<storage, read> partials: array<f32>;            // [CAPACITY][5][GROUPS]
@group(0) @binding(3) var<storage, read_write> products: array<f32>;      // s_i.y_j, then y_i.y_j: [2][CAPACITY][CAPACITY]
@group(0) @binding(4) var<storage, read_write> coefficients: array<f32>;  // k_g, k_s[CAPACITY], k_y[CAPACITY]
@group(0) @binding(5) var<uniform> params: Params;

const MOST = 256u;
var<workgroup> s_g: array<f32, MOST>;
var<workgroup> y_g: array<f32, MOST>;
var<workgroup> a: array<f32, MOST>;
var<workgroup> b: array<f32, MOST>;
var<workgroup> shared_count: u32;

fn total(slot: u32, which: u32) -> f32 {
    var sum = 0.0;
    for (var i = 0u; i < GROUPS; i++) {
        sum += partials[(slot * 5u + which) * GROUPS + i];
    }
    return sum;
}

fn s_y(i: u32, j: u32) -> u32 {
    return i * CAPACITY + j;
}

fn y_y(i: u32, j: u32) -> u32 {
    return (CAPACITY + i) * CAPACITY + j;
}

// Adds the partial sums of this step, and stores the newest pair's row and column of the products.
fn gather(local: u32, count: u32) {
    for (var i = local; i < count; i += 64u) {
        s_g[i] = total(i, 0u);
        y_g[i] = total(i, 1u);
        a[i] = 0.0;
        b[i] = 0.0;
        if state.accepted == 1u {
            let newest = state.newest_slot;
            products[s_y(i, newest)] = total(i, 2u);
            products[s_y(newest, i)] = total(i, 3u);
            products[y_y(i, newest)] = total(i, 4u);
            products[y_y(newest, i)] = total(i, 4u);
        }
    }
    storageBarrier();
    workgroupBarrier();
}

// Slot of the k-th newest pair.
fn slot_by_age(k: u32) -> u32 {
    return (state.next_slot + 2u * CAPACITY - 1u - k) % CAPACITY;
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
    if local == 0u {
        shared_count = state.pairs;
    }
    let count = workgroupUniformLoad(&shared_count);
    gather(local, count);

    // a_j of pairs not yet visited is zero, so each sum can run over all slots.
    for (var k = 0u; k < count; k++) {
        let i = slot_by_age(k);
        var part = 0.0;
        for (var j = local; j < count; j += 64u) {
            part += a[j] * products[s_y(i, j)];
        }
        let sum = workgroup_sum(part, local);
        if local == 0u {
            a[i] = (s_g[i] - sum) / products[s_y(i, i)];
        }
        workgroupBarrier();
    }
    let gamma = state.gamma;
    for (var k = 0u; k < count; k++) {
        let age = count - 1u - k;
        let i = slot_by_age(age);
        var part = 0.0;
        for (var j = local; j < count; j += 64u) {
            part -= gamma * a[j] * products[y_y(i, j)];
            let age_j = (state.next_slot + 2u * CAPACITY - 1u - j) % CAPACITY;
            if age_j > age {
                part += (a[j] - b[j]) * products[s_y(j, i)];
            }
        }
        let sum = workgroup_sum(part, local);
        if local == 0u {
            b[i] = (gamma * y_g[i] + sum) / products[s_y(i, i)];
        }
        workgroupBarrier();
    }

    for (var i = local; i < CAPACITY; i += 64u) {
        let used = i < count;
        coefficients[1u + i] = select(0.0, -params.lr * (a[i] - b[i]), used);
        coefficients[1u + CAPACITY + i] = select(0.0, params.lr * gamma * a[i], used);
    }
    if local == 0u {
        coefficients[0] = -params.lr * select(gamma, state.gradient_scale, count == 0u);
        state.steps = select(state.steps + 1u, 0u, guard.diverged > 0.0);
    }
}

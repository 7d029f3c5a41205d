// The roof of arithmetic: multiply-adds only, as many as the device can do.
//
//   x = a * x + b, repeated
//
// A multiply-add depends on the one before it, so each invocation runs twelve independent chains (three vec4), and there
// are enough workgroups to fill any device. The body of the loop is long, so that the loop counter costs next to nothing.
// a and b are parameters, so no compiler can compute the result. With a < 1 the numbers converge, and become neither
// infinite nor denormal, which would be slow.
// Launch: one invocation an element of dst. Operations: rounds * 16 * 12 multiply-adds each.
// Reads:  nothing; one vec4 is written, so that the computation is not eliminated.

struct Params { rounds: u32, a: f32, b: f32 }

@group(0) @binding(0) var<storage, read_write> dst: array<vec4<f32>>;
@group(0) @binding(1) var<uniform> params: Params;

struct Chains { x: vec4<f32>, y: vec4<f32>, z: vec4<f32> }

fn four_steps(start: Chains, a: vec4<f32>, b: vec4<f32>) -> Chains {
    var c = start;
    c.x = fma(a, c.x, b); c.y = fma(a, c.y, b); c.z = fma(a, c.z, b);
    c.x = fma(a, c.x, b); c.y = fma(a, c.y, b); c.z = fma(a, c.z, b);
    c.x = fma(a, c.x, b); c.y = fma(a, c.y, b); c.z = fma(a, c.z, b);
    c.x = fma(a, c.x, b); c.y = fma(a, c.y, b); c.z = fma(a, c.z, b);
    return c;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = vec4(params.a);
    let b = vec4(params.b);
    let first = vec4(f32(id.x)) + vec4(0.0, 1.0, 2.0, 3.0);
    var c = Chains(first, first + 4.0, first + 8.0);
    for (var round = 0u; round < params.rounds; round++) {
        c = four_steps(c, a, b);
        c = four_steps(c, a, b);
        c = four_steps(c, a, b);
        c = four_steps(c, a, b);
    }
    dst[id.x] = c.x + c.y + c.z;
}

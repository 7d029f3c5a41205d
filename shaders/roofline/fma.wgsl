// The roof of arithmetic: as many multiply-adds as the device can do, and nothing else.
//
//   x = a * x + b, over and over
//
// A multiply-add waits some cycles for the one before it, so each invocation runs twelve chains that
// do not depend on each other (three vec4), and there are enough workgroups to fill any device. The
// body of the loop is long, so that counting rounds costs next to nothing. a and b come from outside:
// no compiler can work the result out. With a < 1 the numbers settle, and never become infinite, nor
// so small that a processor would slow down.
// Launch: one invocation an element of dst. Operations: rounds * 16 * 12 multiply-adds each.
// Reads: nothing; one vec4 is written, so that the work is not thrown away.

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

// op: tv, backward
//
// Exercise: loss = sum of (src[right] - src[i])^2 + (src[below] - src[i])^2. Each element is in up to four of these squares, and
// this kernel knows two of them. Derive the others.

#import shared/grid

// Add to d_src, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

struct Params { channels: u32, height: u32, width: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> src: array<f32>;           // [channels][height][width], padded to 4
@group(0) @binding(1) var<storage, read> d_loss: array<f32>;
@group(0) @binding(2) var<storage, read_write> d_src: array<f32>;   // as src
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = linear_index(group, grid, local, 64u);
    if i >= arrayLength(&d_src) {
        return;
    }
    var sum = 0.0;
    if i < params.channels * params.height * params.width {
        let x = i % params.width;
        let y = i / params.width % params.height;
        let here = src[i];
        if x + 1u < params.width { sum += here - src[i + 1u]; }
        if y + 1u < params.height { sum += here - src[i + params.width]; }
    }
    var d = d_loss[0] * params.scale * sum;
    if ACCUMULATE {
        d += d_src[i];
    }
    d_src[i] = d;
}

// Total variation, first stage: partial sums of the squared differences between neighbours.
//
//   loss = (sum of (x[c, y+1, x] - x[c, y, x])^2 + sum of (x[c, y, x+1] - x[c, y, x])^2) / n
//
// over all channels, with n the number of values of the image. As a term of the loss it smooths the image.
//
// Launch: any number of workgroups of 64. Each invocation adds the differences of every (64 * workgroups)-th value to its
//         right and lower neighbour; the workgroup writes one sum to partials for reduce/sum.
// Reads:  three numbers an element, of which neighbours share two in the cache.

#import shared/reduce

struct Params { channels: u32, height: u32, width: u32 }

@group(0) @binding(0) var<storage, read> src: array<f32>;             // [channels][height][width]
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;  // [workgroups]
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let count = params.channels * params.height * params.width;
    var sum = 0.0;
    for (var i = group.x * 64u + local; i < count; i += grid.x * 64u) {
        let x = i % params.width;
        let y = i / params.width % params.height;
        if x + 1u < params.width {
            let step = src[i + 1u] - src[i];
            sum += step * step;
        }
        if y + 1u < params.height {
            let step = src[i + params.width] - src[i];
            sum += step * step;
        }
    }
    let total = workgroup_sum(sum, local);
    if local == 0u {
        partials[group.x] = total;
    }
}

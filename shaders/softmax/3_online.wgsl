// Softmax of the rows of a matrix, rung 3: maximum and sum in one pass.
//
// The formula is in 1_naive. An invocation keeps the maximum of the numbers so far, and the sum of exp(x - maximum). A
// number that is larger becomes the maximum, and the sum is scaled to it:
//
//   sum = sum * exp(most - x) + 1,  most = x
//
// Two such pairs are combined in the same way, so one tree makes one pair of the 64. Sums that are kept like this need not
// see a row whole: attention kernels compute softmax so while they multiply its blocks (Milakov and Gimelshein, Online
// normalizer calculation for softmax, 2018).
//
// Launch: workgroups of 64, a row each.
// Reads:  8 bytes a number, 4 in each of two passes, instead of 12; 4 are written.
// Costs:  two exponentials a number, since a number is either a new maximum or not; 7 barriers a row instead of 15; 512
//         bytes of workgroup memory. Each sum waits for the exponential before it.

#import shared/grid

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> src: array<f32>;
@group(0) @binding(1) var<storage, read_write> dst: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

// Rows that a workgroup takes.
const ROWS = 1u;

// The lowest number of f32, which no maximum is below.
const LOWEST = -0x1.fffffep+127f;

// Maxima, and sums of exponentials relative to them.
var<workgroup> slots: array<vec2<f32>, 64>;

fn combined(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let most = max(a.x, b.x);
    return vec2(most, a.y * exp(a.x - most) + b.y * exp(b.x - most));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let row = linear_index(group, grid, 0u, ROWS);
    let first = row * params.columns;
    // A workgroup behind the last row has no number, and reaches every barrier.
    let end = select(first, first + params.columns, row < params.rows);
    var most = LOWEST;
    var sum = 0.0;
    for (var i = first + local; i < end; i += 64u) {
        let x = src[i];
        if x > most {
            sum = sum * exp(most - x) + 1.0;
            most = x;
        } else {
            sum += exp(x - most);
        }
    }
    slots[local] = vec2(most, sum);
    workgroupBarrier();
    for (var half = 32u; half > 0u; half /= 2u) {
        if local < half {
            slots[local] = combined(slots[local], slots[local + half]);
        }
        workgroupBarrier();
    }
    let of_row = slots[0];
    for (var i = first + local; i < end; i += 64u) {
        dst[i] = exp(src[i] - of_row.x) / of_row.y;
    }
}

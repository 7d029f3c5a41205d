// Softmax of the rows of a matrix, rung 2: a workgroup a row.
//
// The formula is in 1_naive. In each pass the 64 invocations of a workgroup take 64 neighbouring numbers at a time, and
// each keeps the maximum, or the sum, of its own. Two trees in workgroup memory make one number of the 64: the first
// for the maximum, the second for the sum.
//
// Launch: workgroups of 64, a row each.
// Reads:  12 bytes a number as before, but a load of 32 invocations is one line of 128 bytes. A row of 4096 numbers is
//         16 KiB, which a cache may keep from pass to pass: then it is 4 bytes from memory.
// Costs:  two exponentials a number; 15 barriers a row, and 512 bytes of workgroup memory.
// Next:   3_online finds the maximum and the sum in one pass.

#import shared/grid
#import shared/reduce

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> src: array<f32>;
@group(0) @binding(1) var<storage, read_write> dst: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

// Rows that a workgroup takes.
const ROWS = 1u;

// The lowest number of f32, which no maximum is below.
const LOWEST = -0x1.fffffep+127f;

var<workgroup> slots: array<f32, 64>;

fn workgroup_most(value: f32, local: u32) -> f32 {
    slots[local] = value;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half /= 2u) {
        if local < half {
            slots[local] = max(slots[local], slots[local + half]);
        }
        workgroupBarrier();
    }
    return slots[0];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) grid: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let row = linear_index(group, grid, 0u, ROWS);
    let first = row * params.columns;
    // A workgroup behind the last row has no number, and reaches every barrier.
    let end = select(first, first + params.columns, row < params.rows);
    var most = LOWEST;
    for (var i = first + local; i < end; i += 64u) {
        most = max(most, src[i]);
    }
    most = workgroup_most(most, local);
    var sum = 0.0;
    for (var i = first + local; i < end; i += 64u) {
        sum += exp(src[i] - most);
    }
    sum = workgroup_sum(sum, local);
    for (var i = first + local; i < end; i += 64u) {
        dst[i] = exp(src[i] - most) / sum;
    }
}

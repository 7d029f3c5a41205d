// Sum over a workgroup of 64 invocations, by halving: after round r, the first 64 / 2^r slots hold the sums of 2^r values
// each. The order of the additions is fixed, so the sum has the same bits every time. All invocations must call it
// together (it has barriers), and all get the sum.
var<workgroup> reduce_slots: array<f32, 64>;

fn workgroup_sum(value: f32, local: u32) -> f32 {
    // Invocations may still read the slots of the previous call.
    workgroupBarrier();
    reduce_slots[local] = value;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half /= 2u) {
        if local < half {
            reduce_slots[local] += reduce_slots[local + half];
        }
        workgroupBarrier();
    }
    return reduce_slots[0];
}

// The largest number of a workgroup of 256, by halving: see largest/2_tree. The result is that of invocation 0 alone.
var<workgroup> slots: array<u32, 256>;

fn largest_of_workgroup(value: u32, local: u32) -> u32 {
    slots[local] = value;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half /= 2u) {
        if local < half {
            slots[local] = max(slots[local], slots[local + half]);
        }
        workgroupBarrier();
    }
    return slots[0];
}

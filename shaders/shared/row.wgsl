// Eight vec4 of results in registers.
//
// Registers have no addresses: an array is in registers only if the compiler knows every index. A loop over it must first
// be unrolled, which bounds checks on loops and indices can prevent; the array is then in memory, and a kernel that
// relies on registers is many times slower. So these eight lines are written out, here and wherever a Row is used.
alias Row = array<vec4<f32>, 8>;

// Adds an outer product: `column` times each of the eight numbers of `low` and `high`.
fn add_outer(sums: ptr<function, Row>, column: vec4<f32>, low: vec4<f32>, high: vec4<f32>) {
    (*sums)[0] = fma(column, vec4(low.x), (*sums)[0]);
    (*sums)[1] = fma(column, vec4(low.y), (*sums)[1]);
    (*sums)[2] = fma(column, vec4(low.z), (*sums)[2]);
    (*sums)[3] = fma(column, vec4(low.w), (*sums)[3]);
    (*sums)[4] = fma(column, vec4(high.x), (*sums)[4]);
    (*sums)[5] = fma(column, vec4(high.y), (*sums)[5]);
    (*sums)[6] = fma(column, vec4(high.z), (*sums)[6]);
    (*sums)[7] = fma(column, vec4(high.w), (*sums)[7]);
}

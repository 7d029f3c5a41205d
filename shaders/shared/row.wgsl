// Eight vec4 of results in registers.
//
// Registers have no addresses: an array is in registers only if the compiler knows every index. A loop over it must first
// be unrolled, which bounds checks on loops and indices can prevent; the array is then in memory, and a kernel that
// relies on registers is many times slower. So these eight lines are written out, here and wherever a Row is used.
alias Row = array<vec4<f32>, 8>;

// Adds an outer product: `column` times each of the eight numbers of `low` and `high`.
fn add_outer(sums: ptr<function, Row>, column: vec4<f32>, low: vec4<f32>, high: vec4<f32>) {
    (*sums)[0] += column * low.x;
    (*sums)[1] += column * low.y;
    (*sums)[2] += column * low.z;
    (*sums)[3] += column * low.w;
    (*sums)[4] += column * high.x;
    (*sums)[5] += column * high.y;
    (*sums)[6] += column * high.z;
    (*sums)[7] += column * high.w;
}

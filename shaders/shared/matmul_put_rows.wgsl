// The eight rows of a Row, from `row` on and `step` apart.
fn put_rows(row: u32, step: u32, column: u32, sums: ptr<function, Row>) {
    put(row, column, (*sums)[0]);
    put(row + step, column, (*sums)[1]);
    put(row + 2u * step, column, (*sums)[2]);
    put(row + 3u * step, column, (*sums)[3]);
    put(row + 4u * step, column, (*sums)[4]);
    put(row + 5u * step, column, (*sums)[5]);
    put(row + 6u * step, column, (*sums)[6]);
    put(row + 7u * step, column, (*sums)[7]);
}

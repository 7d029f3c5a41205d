// Stores a Row: one block of output channels at eight positions, `step` apart. Needs shared/row and shared/store.
fn store_row(batch: u32, block: u32, at: u32, step: u32, sums: ptr<function, Row>) {
    store(batch, block, at, (*sums)[0]);
    store(batch, block, at + step, (*sums)[1]);
    store(batch, block, at + 2u * step, (*sums)[2]);
    store(batch, block, at + 3u * step, (*sums)[3]);
    store(batch, block, at + 4u * step, (*sums)[4]);
    store(batch, block, at + 5u * step, (*sums)[5]);
    store(batch, block, at + 6u * step, (*sums)[6]);
    store(batch, block, at + 7u * step, (*sums)[7]);
}

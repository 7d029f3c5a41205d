// Tested by its bits: shader compilers may assume that NaN and infinity never occur.
fn is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

// True if a loss is NaN, infinite, or more than `factor` times the lowest loss.
fn has_diverged(loss: f32, lowest_loss: f32, factor: f32) -> bool {
    return !is_finite(loss) || loss > factor * lowest_loss;
}

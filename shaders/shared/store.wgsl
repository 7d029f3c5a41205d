// The epilogue of a GEMM: bias, ReLU, and the store to `dst`. The kernel that imports this declares `params`, `bias` and
// `dst`.

// Replace negative results by zero: the ReLU that follows, without a pass over memory of its own.
override RELU: bool = false;
// Add to dst, for values with several consumers, whose gradients are summed.
override ACCUMULATE: bool = false;

// Stores one vec4, unless it is beyond the last position or the last block of channels.
fn store(batch: u32, block: u32, at: u32, gemm_sum: vec4<f32>) {
    let positions = params.width * params.height;
    let out_blocks = (params.out_channels + 3u) / 4u;
    if at >= positions || block >= out_blocks {
        return;
    }
    var sum = gemm_sum + bias[block];
    if RELU {
        sum = max(sum, vec4(0.0));
    }
    let i = (batch * out_blocks + block) * positions + at;
    if ACCUMULATE {
        sum += dst[i];
    }
    dst[i] = sum;
}

// The layout of weights: blocks of 4 x 4, read as they are or transposed.
//
// A block is four vec4, one an input channel, each over four output channels. Blocks are stored [matrix][in / 4][out / 4],
// a matrix being a tap of a convolution or a point of Winograd's transform. The backward pass multiplies by the same
// matrices transposed, with the taps in reverse: its inputs are the stored outputs. Transposing a block in registers costs
// nothing, so both passes read one copy of the weights.

override TRANSPOSED: bool = false;

// Index of the first vec4 of the block from `in_block` to `out_block`, of `in_blocks` and `out_blocks` in all.
fn weight_block(matrix: u32, in_block: u32, in_blocks: u32, out_block: u32, out_blocks: u32) -> u32 {
    let straight = (matrix * in_blocks + in_block) * out_blocks + out_block;
    let transposed = (matrix * out_blocks + out_block) * in_blocks + in_block;
    return 4u * select(straight, transposed, TRANSPOSED);
}

// The matrix of a tap. The backward pass has the taps in reverse order.
fn matrix_of(tap: u32, taps: u32) -> u32 {
    return select(tap, taps - 1u - tap, TRANSPOSED);
}

// The block as a matrix that maps four inputs to four outputs.
fn as_stored(block: mat4x4<f32>) -> mat4x4<f32> {
    if TRANSPOSED {
        return transpose(block);
    }
    return block;
}

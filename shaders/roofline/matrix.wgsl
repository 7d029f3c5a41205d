// The roof of the matrix units: products of 16 x 16 matrices only, f16 with sums in f32, as many as the device can do.
//
//   C += A B, repeated
//
// As conv/7_cooperative, but its matrices A and B are loaded once, before the loop. A multiplication depends on the one
// before it with the same C, so each subgroup has sixteen C, of four A and four B. The numbers differ from each other and
// from zero, since matrix units that multiply zeros take less power and run faster than any kernel with data.
// Launch: workgroups of 128, four subgroups of 32. Operations: rounds * 16 * 4096 multiply-adds a subgroup.
// Reads:  nothing; every C is written, so that no multiplication is eliminated.
// Costs:  128 registers for sums, 32 for A and B; 6 KiB of workgroup memory.

enable f16;
enable wgpu_cooperative_matrix;

struct Params { rounds: u32 }

@group(0) @binding(0) var<storage, read_write> dst: array<f32>; // [workgroup][subgroup][16 C][16][16]
@group(0) @binding(1) var<uniform> params: Params;

alias Inputs = coop_mat16x16<f16, A>;
alias Weights = coop_mat16x16<f16, B>;
alias Sums = coop_mat16x16<f32, C>;

const SRC_ROW = 24u;     // 16 k and padding
const WEIGHTS_ROW = 72u; // 64 columns and padding
const RESULT_ROW = 16u;

var<workgroup> tile_src: array<f16, 1536>;     // [64 rows][SRC_ROW]
var<workgroup> tile_weights: array<f16, 1152>; // [16 k][WEIGHTS_ROW]

// From -0.5 to 0.4375.
fn element(index: u32) -> f16 {
    return f16(f32(index * 7u % 16u) / 16.0 - 0.5);
}

@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    for (var i = index; i < 1536u; i += 128u) {
        tile_src[i] = element(i + i / 16u);
    }
    for (var i = index; i < 1152u; i += 128u) {
        tile_weights[i] = element(i + i / 8u);
    }
    workgroupBarrier();

    let a0 = coopLoadT<Inputs>(&tile_src[0u], SRC_ROW);
    let a1 = coopLoadT<Inputs>(&tile_src[16u * SRC_ROW], SRC_ROW);
    let a2 = coopLoadT<Inputs>(&tile_src[32u * SRC_ROW], SRC_ROW);
    let a3 = coopLoadT<Inputs>(&tile_src[48u * SRC_ROW], SRC_ROW);
    let b0 = coopLoadT<Weights>(&tile_weights[0u], WEIGHTS_ROW);
    let b1 = coopLoadT<Weights>(&tile_weights[16u], WEIGHTS_ROW);
    let b2 = coopLoadT<Weights>(&tile_weights[32u], WEIGHTS_ROW);
    let b3 = coopLoadT<Weights>(&tile_weights[48u], WEIGHTS_ROW);
    var c00: Sums; var c01: Sums; var c02: Sums; var c03: Sums;
    var c10: Sums; var c11: Sums; var c12: Sums; var c13: Sums;
    var c20: Sums; var c21: Sums; var c22: Sums; var c23: Sums;
    var c30: Sums; var c31: Sums; var c32: Sums; var c33: Sums;
    for (var round = 0u; round < params.rounds; round++) {
        c00 = coopMultiplyAdd(a0, b0, c00);
        c01 = coopMultiplyAdd(a0, b1, c01);
        c02 = coopMultiplyAdd(a0, b2, c02);
        c03 = coopMultiplyAdd(a0, b3, c03);
        c10 = coopMultiplyAdd(a1, b0, c10);
        c11 = coopMultiplyAdd(a1, b1, c11);
        c12 = coopMultiplyAdd(a1, b2, c12);
        c13 = coopMultiplyAdd(a1, b3, c13);
        c20 = coopMultiplyAdd(a2, b0, c20);
        c21 = coopMultiplyAdd(a2, b1, c21);
        c22 = coopMultiplyAdd(a2, b2, c22);
        c23 = coopMultiplyAdd(a2, b3, c23);
        c30 = coopMultiplyAdd(a3, b0, c30);
        c31 = coopMultiplyAdd(a3, b1, c31);
        c32 = coopMultiplyAdd(a3, b2, c32);
        c33 = coopMultiplyAdd(a3, b3, c33);
    }

    let first = (group.x * 4u + subgroup) * 4096u;
    coopStoreT(c00, &dst[first], RESULT_ROW);
    coopStoreT(c01, &dst[first + 256u], RESULT_ROW);
    coopStoreT(c02, &dst[first + 512u], RESULT_ROW);
    coopStoreT(c03, &dst[first + 768u], RESULT_ROW);
    coopStoreT(c10, &dst[first + 1024u], RESULT_ROW);
    coopStoreT(c11, &dst[first + 1280u], RESULT_ROW);
    coopStoreT(c12, &dst[first + 1536u], RESULT_ROW);
    coopStoreT(c13, &dst[first + 1792u], RESULT_ROW);
    coopStoreT(c20, &dst[first + 2048u], RESULT_ROW);
    coopStoreT(c21, &dst[first + 2304u], RESULT_ROW);
    coopStoreT(c22, &dst[first + 2560u], RESULT_ROW);
    coopStoreT(c23, &dst[first + 2816u], RESULT_ROW);
    coopStoreT(c30, &dst[first + 3072u], RESULT_ROW);
    coopStoreT(c31, &dst[first + 3328u], RESULT_ROW);
    coopStoreT(c32, &dst[first + 3584u], RESULT_ROW);
    coopStoreT(c33, &dst[first + 3840u], RESULT_ROW);
}

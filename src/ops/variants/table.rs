//! The table: kernels, and the variants made of them.

use super::{Arithmetic, DeviceClass, Needs, Passes, Subgroups, Variant};
use crate::gpu::shader;
use crate::ops::conv::{ConvMethod, HaloKernel, Split, Winograd};
use crate::ops::gemm::{GemmKernel, Tile};
use crate::ops::gram::GramKernel;

/// Every variant of every operation that has more than one; those of an operation stand plainest first.
pub static VARIANTS: &[Variant] = &[
    CONV_NAIVE,
    Variant {
        name: "tiled",
        summary: "implicit GEMM with tiles in workgroup memory",
        passes: Passes::conv(&TILED),
        ..CONV_NAIVE
    },
    Variant {
        name: "registers",
        summary: "8 x 8 results an invocation, in registers",
        passes: Passes::conv(&REGISTERS),
        timed_on: Some(DeviceClass::Gpu),
        ..CONV_NAIVE
    },
    Variant {
        name: "vectors",
        summary: "workgroup memory read as vec4",
        passes: Passes::conv(&VECTORS),
        ..CONV_NAIVE
    },
    Variant {
        name: "turns",
        summary: "two K-tiles: the next is loaded during the multiplication of one",
        passes: Passes::conv(&TURNS),
        ..CONV_NAIVE
    },
    Variant {
        name: "taps_inner",
        summary: "the nine taps of a K-tile in succession, so that inputs stay in the cache",
        passes: Passes::conv(&TAPS_INNER),
        timed_on: Some(DeviceClass::Gpu),
        ..CONV_NAIVE
    },
    Variant {
        name: "halo_x3",
        summary: "as 'halo', each number the sum of two f16: three products for the precision of f32",
        passes: Passes::halo(&HALO_X3),
        timed_on: Some(DeviceClass::Gpu),
        ..CONV_NAIVE
    },
    Variant {
        name: "winograd_f2",
        summary: "Winograd's F(2x2, 3x3) around the GEMM of 'taps_inner'",
        passes: Passes::winograd(&Winograd::F2, &TAPS_INNER),
        timed_on: Some(DeviceClass::Gpu),
        ..CONV_NAIVE
    },
    Variant {
        name: "winograd_f4",
        summary: "Winograd's F(4x4, 3x3) around the GEMM of 'taps_inner'",
        passes: Passes::winograd(&Winograd::F4, &TAPS_INNER),
        timed_on: Some(DeviceClass::Gpu),
        ..CONV_NAIVE
    },
    Variant {
        name: "cooperative",
        summary: "matrix units, f16 inputs and f32 sums; backward as 'taps_inner'",
        // Unscaled gradients underflow f16.
        passes: Passes::Conv {
            forward: ConvMethod::gemm(&COOPERATIVE),
            backward: ConvMethod::gemm(&TAPS_INNER),
        },
        arithmetic: Arithmetic::F16Inputs,
        timed_on: Some(DeviceClass::Gpu),
    },
    Variant {
        name: "halo",
        summary: "matrix units, one halo of inputs for all nine taps; f16 inputs, scaled, and f32 sums",
        passes: Passes::halo(&HALO),
        arithmetic: Arithmetic::F16Inputs,
        timed_on: Some(DeviceClass::Gpu),
    },
    Variant {
        name: "texture",
        summary: "for CPU drivers: registers, subgroup broadcasts and storage textures",
        passes: Passes::conv(&TEXTURE),
        timed_on: Some(DeviceClass::CpuDriver),
        ..CONV_NAIVE
    },
    Variant {
        name: "texture_winograd_f4",
        summary: "for CPU drivers: Winograd's F(4x4, 3x3) around the GEMM of 'texture'",
        passes: Passes::winograd(&Winograd::F4_TEXTURE, &TEXTURE),
        timed_on: Some(DeviceClass::CpuDriver),
        ..CONV_NAIVE
    },
    Variant {
        name: "rounded",
        summary: "the numbers of 'halo' without matrix units: rounded to f16, then as 'texture_winograd_f4'",
        passes: Passes::rounded_winograd(&Winograd::F4_TEXTURE, &TEXTURE),
        arithmetic: Arithmetic::F16Inputs,
        ..CONV_NAIVE
    },
    GRAM_NAIVE,
    Variant {
        name: "tiled",
        summary: "tiles in workgroup memory",
        passes: Passes::Gram { forward: &GRAM_TILED, backward: &TILED },
        ..GRAM_NAIVE
    },
    Variant {
        name: "registers",
        summary: "8 x 8 results an invocation, in registers",
        passes: Passes::Gram { forward: &GRAM_REGISTERS, backward: &REGISTERS },
        timed_on: Some(DeviceClass::Gpu),
        ..GRAM_NAIVE
    },
    Variant {
        name: "turns",
        summary: "workgroup memory read as vec4, the next K-tile loaded during the multiplication of one",
        passes: Passes::Gram { forward: &GRAM_TURNS, backward: &TAPS_INNER },
        timed_on: Some(DeviceClass::Gpu),
        ..GRAM_NAIVE
    },
    Variant {
        name: "cooperative_x3",
        summary: "matrix units, each number the sum of two f16: the precision of f32; backward as 'turns'",
        passes: Passes::Gram { forward: &GRAM_COOPERATIVE_X3, backward: &TAPS_INNER },
        timed_on: Some(DeviceClass::Gpu),
        ..GRAM_NAIVE
    },
    Variant {
        name: "texture",
        summary: "for CPU drivers: registers and a storage texture",
        passes: Passes::Gram { forward: &GRAM_TEXTURE, backward: &TEXTURE },
        timed_on: Some(DeviceClass::CpuDriver),
        ..GRAM_NAIVE
    },
];

const CONV_NAIVE: Variant = Variant {
    name: "naive",
    summary: "the definition, which all others are checked against",
    passes: Passes::conv(&NAIVE),
    arithmetic: Arithmetic::F32,
    timed_on: None,
};

const GRAM_NAIVE: Variant =
    Variant { passes: Passes::Gram { forward: &GRAM_DEFINITION, backward: &NAIVE }, ..CONV_NAIVE };

// GEMM kernels: direct convolutions, the middle of Winograd's method, the Gram matrix's backward pass.

static NAIVE: GemmKernel = GemmKernel::new(shader!("conv/1_naive"), Tile::Fixed { positions: 64, blocks: 1 });
static TILED: GemmKernel = GemmKernel::new(shader!("conv/2_tiled"), Tile::Fixed { positions: 32, blocks: 8 });
// Without checks on an H200: `registers` 19 to 26 TFLOP/s, the loop of `taps_inner` a tenth faster. They and
// the two between them compare positions and blocks of channels with their numbers wherever they load or store.
static REGISTERS: GemmKernel =
    GemmKernel::new(shader!("conv/3_registers").without_checks(), Tile::Fixed { positions: 64, blocks: 16 });
static VECTORS: GemmKernel =
    GemmKernel::new(shader!("conv/4_vectors").without_checks(), Tile::Fixed { positions: 64, blocks: 16 });
static TURNS: GemmKernel =
    GemmKernel::new(shader!("conv/5_turns").without_checks(), Tile::Fixed { positions: 64, blocks: 16 });
static TAPS_INNER: GemmKernel =
    GemmKernel::new(shader!("conv/6_taps_inner").without_checks(), Tile::Fixed { positions: 64, blocks: 16 });
static COOPERATIVE: GemmKernel = GemmKernel {
    // Its four subgroups share a tile.
    needs: Needs { subgroups: Subgroups::Exactly(32), matrix_units: true },
    ..GemmKernel::new(shader!("conv/7_cooperative"), Tile::Fixed { positions: 128, blocks: 16 })
};
// Loop and bounds checks cost 7_cooperative a third on an NVIDIA H200 (80 against 118 TFLOP/s). The loops over taps have a
// constant length, and every index is tested against the sizes.
static HALO: HaloKernel =
    HaloKernel::new(shader!("conv/8_halo").without_checks(), Split::Rounded, &TAPS_INNER);
static HALO_X3: HaloKernel =
    HaloKernel::new(shader!("conv/9_halo_x3").without_checks(), Split::HiLo, &TAPS_INNER);
static TEXTURE: GemmKernel = GemmKernel {
    reads_textures: true,
    needs: Needs { subgroups: Subgroups::AtLeast(8), matrix_units: false },
    // Loop and bounds checks keep the loops from being unrolled and the tile out of registers: 7 times slower on
    // lavapipe. Its loops have constant lengths and its indices come from sizes.
    ..GemmKernel::new(shader!("conv/texture").without_checks(), Tile::UpTo { positions: 64, blocks: 8 })
};

// Forward kernels of the Gram matrix. A CPU driver needs few workgroups; 512 are four or more for each core of the largest
// GPUs. Checks took an eighth of the time of `turns` on an H200 and a quarter to a third of that of `registers`, here and in
// convolutions; positions and channels are compared with their numbers wherever these kernels load or store.

static GRAM_DEFINITION: GramKernel =
    GramKernel { shader: shader!("gram/1_naive"), tile: None, workgroups: 64, ..GRAM_ON_GPU };
static GRAM_TILED: GramKernel =
    GramKernel { shader: shader!("gram/2_tiled"), tile: Some([32, 32]), ..GRAM_ON_GPU };
static GRAM_REGISTERS: GramKernel =
    GramKernel { shader: shader!("gram/3_registers").without_checks(), ..GRAM_ON_GPU };
static GRAM_TURNS: GramKernel = GRAM_ON_GPU;
static GRAM_COOPERATIVE_X3: GramKernel = GramKernel {
    // As conv/8_halo.
    shader: shader!("gram/5_cooperative_x3").without_checks(),
    scales: true,
    needs: Needs { subgroups: Subgroups::Exactly(32), matrix_units: true },
    ..GRAM_ON_GPU
};
static GRAM_TEXTURE: GramKernel = GramKernel {
    // As conv/texture: checks keep the tile out of registers.
    shader: shader!("gram/texture").without_checks(),
    tile: Some([64, 32]),
    workgroups: 64,
    reads_textures: true,
    needs: Needs { subgroups: Subgroups::AtLeast(8), matrix_units: false },
    scales: false,
};

const GRAM_ON_GPU: GramKernel = GramKernel {
    shader: shader!("gram/4_turns").without_checks(),
    tile: Some([64, 64]),
    workgroups: 512,
    reads_textures: false,
    scales: false,
    needs: Needs::NOTHING,
};

//! The operations: each with its kernels, its backward pass, its f64 reference and its test cases.
//!
//! Adding one takes a folder under `shaders/`, a file here and a line in [`OPERATIONS`]. Tests and benches derive from
//! that list.

pub mod case;
mod check;
mod conv;
mod crop;
mod gemm;
mod gram;
mod l1_gradient;
mod largest;
mod largest_ladder;
mod lesson;
mod mask;
mod matmul;
mod mse;
mod normalize;
mod pool;
mod reduce;
mod relu;
mod softmax;
mod stack;
pub(crate) mod tone;
mod total_variation;
pub mod variants;
mod weighted_sum;

pub use check::{Deviation, Trial};
pub use conv::{Conv, Packed, PackedWeights};
pub use crop::Crop;
pub use gram::Gram;
pub use l1_gradient::L1Gradient;
pub use largest_ladder::{LADDER as LARGEST_LADDER, Largest};
pub use lesson::Lesson;
pub use mask::Mask;
pub use matmul::{LADDER as MATMUL_LADDER, Matmul, matrix};
pub use mse::Mse;
pub use normalize::Normalize;
pub use pool::{Pool, Pooling};
pub use reduce::{PARTIALS, partials_shape, record_sum};
pub use relu::Relu;
pub use softmax::{LADDER as SOFTMAX_LADDER, Softmax};
pub use stack::Stack;
pub use tone::Tone;
pub use total_variation::TotalVariation;
pub use weighted_sum::WeightedSum;

use crate::gpu::Shader;
use case::Case;

/// An entry of the list of operations.
#[derive(Debug)]
pub struct Operation {
    /// As [`Op::name`](crate::graph::Op::name) returns it; also the folder under `shaders/`.
    pub name: &'static str,
    /// Every kernel it may launch.
    pub shaders: fn() -> Vec<&'static Shader>,
    /// Test cases for each variant: sizes, values and references.
    pub cases: fn() -> Vec<Case>,
    /// A case of sizes that `draw(low, high)` chooses, both ends included.
    pub random_case: fn(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case,
}

/// Every operation of the graph, and those of the ladders that teach.
pub const OPERATIONS: [Operation; 16] = [
    Operation {
        name: "normalize",
        shaders: normalize::shaders,
        cases: normalize::cases,
        random_case: normalize::random_case,
    },
    Operation { name: "conv", shaders: conv::shaders, cases: conv::cases, random_case: conv::random_case },
    Operation { name: "relu", shaders: relu::shaders, cases: relu::cases, random_case: relu::random_case },
    Operation { name: "pool", shaders: pool::shaders, cases: pool::cases, random_case: pool::random_case },
    Operation { name: "gram", shaders: gram::shaders, cases: gram::cases, random_case: gram::random_case },
    Operation { name: "crop", shaders: crop::shaders, cases: crop::cases, random_case: crop::random_case },
    Operation {
        name: "stack",
        shaders: stack::shaders,
        cases: stack::cases,
        random_case: stack::random_case,
    },
    Operation { name: "mask", shaders: mask::shaders, cases: mask::cases, random_case: mask::random_case },
    Operation {
        name: "l1_gradient",
        shaders: l1_gradient::shaders,
        cases: l1_gradient::cases,
        random_case: l1_gradient::random_case,
    },
    Operation { name: "mse", shaders: mse::shaders, cases: mse::cases, random_case: mse::random_case },
    Operation { name: "tone", shaders: tone::shaders, cases: tone::cases, random_case: tone::random_case },
    Operation {
        name: "tv",
        shaders: total_variation::shaders,
        cases: total_variation::cases,
        random_case: total_variation::random_case,
    },
    Operation {
        name: "weighted_sum",
        shaders: weighted_sum::shaders,
        cases: weighted_sum::cases,
        random_case: weighted_sum::random_case,
    },
    Operation {
        name: "matmul",
        shaders: matmul::shaders,
        cases: matmul::cases,
        random_case: matmul::random_case,
    },
    Operation {
        name: "largest",
        shaders: largest_ladder::shaders,
        cases: largest_ladder::cases,
        random_case: largest_ladder::random_case,
    },
    Operation {
        name: "softmax",
        shaders: softmax::shaders,
        cases: softmax::cases,
        random_case: softmax::random_case,
    },
];

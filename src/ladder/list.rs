//! The list of tasks: operations as users name them, each with its shapes and the ways to compute it.

use super::{Benchmark, ProblemSize, Variant};
use crate::gpu::{Gpu, Shape};
use crate::ops::{
    ConvVariant, Crop, GramVariant, Mask, Mse, Normalize, Pool, Pooling, Relu, Stack, TotalVariation,
    WeightedSum,
};

/// Every task. A test sees to it that no operation and no case is left out.
pub static BENCHMARKS: [Benchmark; 12] = [
    Benchmark {
        name: "conv3x3",
        operation: "conv",
        inputs: |size| vec![size.before()],
        output: ProblemSize::after,
        variants: || ConvVariant::ALL.map(Variant::conv).into(),
    },
    Benchmark {
        name: "gram",
        operation: "gram",
        inputs: |size| vec![size.after()],
        output: |size| Shape::blocked(size.after().channels, 1, size.after().channels),
        variants: || GramVariant::ALL.map(Variant::gram).into(),
    },
    Benchmark {
        name: "normalize",
        operation: "normalize",
        inputs: |size| vec![size.image()],
        output: |size| Shape::blocked(3, size.side, size.side).stored_in(size.precision),
        variants: || {
            let build = |_: &Gpu, size: &ProblemSize| {
                Ok(Normalize { precision: size.precision, ..Normalize::IDENTITY })
            };
            vec![Variant::only("normalize", "normalize", build)]
        },
    },
    Benchmark {
        name: "pool_max",
        operation: "pool",
        inputs: |size| vec![size.after()],
        output: halved,
        variants: || vec![Variant::only("pool_max", "pool/Max", |_, _| Ok(Pool(Pooling::Max)))],
    },
    Benchmark {
        name: "pool_avg",
        operation: "pool",
        inputs: |size| vec![size.after()],
        output: halved,
        variants: || vec![Variant::only("pool_avg", "pool/Avg", |_, _| Ok(Pool(Pooling::Avg)))],
    },
    Benchmark {
        name: "relu",
        operation: "relu",
        inputs: |size| vec![size.after()],
        output: ProblemSize::after,
        variants: || vec![Variant::only("relu", "relu", |_, _| Ok(Relu))],
    },
    Benchmark {
        name: "crop",
        operation: "crop",
        inputs: |size| vec![size.after()],
        output: halved,
        variants: || {
            let build = |_: &Gpu, size: &ProblemSize| {
                let Shape { height, width, .. } = halved(size);
                Ok(Crop { top: height / 2, left: width / 2, height, width })
            };
            vec![Variant::only("crop", "crop", build)]
        },
    },
    Benchmark {
        name: "stack",
        operation: "stack",
        inputs: |size| vec![halved(size); 2],
        output: |size| Shape { height: 2 * halved(size).height, ..halved(size) },
        variants: || vec![Variant::only("stack", "stack", |_, _| Ok(Stack))],
    },
    Benchmark {
        name: "mask",
        operation: "mask",
        inputs: |size| vec![size.after(), Shape::planar(1, size.after().height, size.after().width)],
        output: ProblemSize::after,
        variants: || vec![Variant::only("mask", "mask", |_, _| Ok(Mask))],
    },
    Benchmark {
        name: "mse",
        operation: "mse",
        inputs: |size| vec![size.after(); 2],
        output: |_| Shape::scalar(),
        variants: || vec![Variant::only("mse", "mse", |_, _| Ok(Mse))],
    },
    Benchmark {
        name: "tv",
        operation: "tv",
        inputs: |size| vec![size.image()],
        output: |_| Shape::scalar(),
        variants: || vec![Variant::only("tv", "tv", |_, _| Ok(TotalVariation))],
    },
    Benchmark {
        name: "weighted_sum",
        operation: "weighted_sum",
        inputs: |_| vec![Shape::scalar(); TERMS],
        output: |_| Shape::scalar(),
        variants: || {
            let build = |_: &Gpu, _: &ProblemSize| Ok(WeightedSum { weights: vec![0.5; TERMS] });
            vec![Variant::only("weighted_sum", "weighted_sum", build)]
        },
    },
];

/// Terms of a loss by default: one of content and five of style.
const TERMS: usize = 6;

fn halved(size: &ProblemSize) -> Shape {
    let whole = size.after();
    Shape { height: whole.height / 2, width: whole.width / 2, ..whole }
}

//! The table of benchmarks.

use super::benchmark::{Benchmark, Implementations, ProblemSize};
use crate::gpu::Shape;
use crate::ops::variants::TunedOp;
use crate::ops::{
    Crop, L1Gradient, Mask, Mse, Normalize, Pool, Pooling, Relu, Stack, TotalVariation, WeightedSum,
};

/// Number of loss terms by default: one of content and five of style.
const TERMS: usize = 6;

/// Every benchmark. A test makes sure that it covers every operation and every test case.
pub static BENCHMARKS: [Benchmark; 13] = [
    Benchmark {
        name: "conv3x3",
        operation: "conv",
        inputs: |size| vec![size.before()],
        output: ProblemSize::after,
        implementations: Implementations::Variants(TunedOp::Conv3x3),
    },
    Benchmark {
        name: "gram",
        operation: "gram",
        inputs: |size| vec![size.after()],
        output: |size| Shape::blocked(size.after().channels, 1, size.after().channels),
        implementations: Implementations::Variants(TunedOp::Gram),
    },
    Benchmark {
        name: "normalize",
        operation: "normalize",
        inputs: |size| vec![size.image()],
        output: |size| Shape::blocked(3, size.side, size.side).stored_in(size.precision),
        implementations: Implementations::One(|size| {
            Box::new(Normalize { precision: size.precision, ..Normalize::IDENTITY })
        }),
    },
    Benchmark {
        name: "pool_max",
        operation: "pool",
        inputs: |size| vec![size.after()],
        output: ProblemSize::pooled,
        implementations: Implementations::One(|_| Box::new(Pool(Pooling::Max))),
    },
    Benchmark {
        name: "pool_avg",
        operation: "pool",
        inputs: |size| vec![size.after()],
        output: ProblemSize::pooled,
        implementations: Implementations::One(|_| Box::new(Pool(Pooling::Avg))),
    },
    Benchmark {
        name: "relu",
        operation: "relu",
        inputs: |size| vec![size.after()],
        output: ProblemSize::after,
        implementations: Implementations::One(|_| Box::new(Relu)),
    },
    Benchmark {
        name: "crop",
        operation: "crop",
        inputs: |size| vec![size.after()],
        output: ProblemSize::pooled,
        implementations: Implementations::One(|size| {
            let Shape { height, width, .. } = size.pooled();
            Box::new(Crop { top: height / 2, left: width / 2, height, width })
        }),
    },
    Benchmark {
        name: "stack",
        operation: "stack",
        inputs: |size| vec![size.pooled(); 2],
        output: |size| Shape { height: 2 * size.pooled().height, ..size.pooled() },
        implementations: Implementations::One(|_| Box::new(Stack)),
    },
    Benchmark {
        name: "mask",
        operation: "mask",
        inputs: |size| vec![size.after(), Shape::planar(1, size.after().height, size.after().width)],
        output: ProblemSize::after,
        implementations: Implementations::One(|_| Box::new(Mask)),
    },
    Benchmark {
        name: "mse",
        operation: "mse",
        inputs: |size| vec![size.after(); 2],
        output: |_| Shape::scalar(),
        implementations: Implementations::One(|_| Box::new(Mse)),
    },
    Benchmark {
        name: "l1_gradient",
        operation: "l1_gradient",
        inputs: |size| vec![size.after()],
        output: ProblemSize::after,
        implementations: Implementations::One(|_| Box::new(L1Gradient { strength: 1.0, floor: 1e-8 })),
    },
    Benchmark {
        name: "tv",
        operation: "tv",
        inputs: |size| vec![size.image()],
        output: |_| Shape::scalar(),
        implementations: Implementations::One(|_| Box::new(TotalVariation)),
    },
    Benchmark {
        name: "weighted_sum",
        operation: "weighted_sum",
        inputs: |_| vec![Shape::scalar(); TERMS],
        output: |_| Shape::scalar(),
        implementations: Implementations::One(|_| Box::new(WeightedSum { weights: vec![0.5; TERMS] })),
    },
];

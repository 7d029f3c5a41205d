//! The table of benchmarks.

use super::benchmark::{Benchmark, Implementations, ProblemSize};
use crate::gpu::Shape;
use crate::ops::variants::TunedOp;
use crate::ops::{
    Crop, L1Gradient, LARGEST_LADDER, Largest, MATMUL_LADDER, Mask, Matmul, Mse, Normalize, Pool, Pooling,
    Relu, SOFTMAX_LADDER, Softmax, Stack, Tone, TotalVariation, WeightedSum, matrix,
};

/// Number of loss terms of the reference: one of content and five of style.
const TERMS: usize = 6;

/// Windows 16 pixels apart.
const TONE: Tone = Tone { cell: 16 };

/// Every benchmark. A test makes sure that it covers every operation and every test case.
pub static BENCHMARKS: [Benchmark; 17] = [
    Benchmark {
        name: "conv3x3",
        operation: "conv",
        kernels: [Some("conv/1_naive"), Some("conv/1_naive")],
        inputs: |size| vec![size.before()],
        output: ProblemSize::after,
        implementations: Implementations::Variants(TunedOp::Conv3x3),
    },
    Benchmark {
        name: "gram",
        operation: "gram",
        kernels: [Some("gram/1_naive"), Some("conv/1_naive")],
        inputs: |size| vec![size.after()],
        output: |size| Shape::blocked(size.after().channels, 1, size.after().channels),
        implementations: Implementations::Variants(TunedOp::Gram),
    },
    Benchmark {
        name: "normalize",
        operation: "normalize",
        kernels: [Some("normalize/forward"), Some("normalize/backward")],
        inputs: |size| vec![size.image()],
        output: |size| Shape::blocked(3, size.side, size.side).stored_in(size.precision),
        implementations: Implementations::One(|size| {
            Box::new(Normalize { precision: size.precision, ..Normalize::IDENTITY })
        }),
    },
    Benchmark {
        name: "pool_max",
        operation: "pool",
        kernels: [Some("pool/max_forward"), Some("pool/max_backward")],
        inputs: |size| vec![size.after()],
        output: ProblemSize::pooled,
        implementations: Implementations::One(|_| Box::new(Pool(Pooling::Max))),
    },
    Benchmark {
        name: "pool_avg",
        operation: "pool",
        kernels: [Some("pool/avg_forward"), Some("pool/avg_backward")],
        inputs: |size| vec![size.after()],
        output: ProblemSize::pooled,
        implementations: Implementations::One(|_| Box::new(Pool(Pooling::Avg))),
    },
    Benchmark {
        name: "relu",
        operation: "relu",
        kernels: [Some("relu/forward"), Some("relu/backward")],
        inputs: |size| vec![size.after()],
        output: ProblemSize::after,
        implementations: Implementations::One(|_| Box::new(Relu)),
    },
    Benchmark {
        name: "crop",
        operation: "crop",
        kernels: [Some("crop/forward"), Some("crop/backward")],
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
        kernels: [Some("stack/forward"), Some("crop/forward")],
        inputs: |size| vec![size.pooled(); 2],
        output: |size| Shape { height: 2 * size.pooled().height, ..size.pooled() },
        implementations: Implementations::One(|_| Box::new(Stack)),
    },
    Benchmark {
        name: "mask",
        operation: "mask",
        kernels: [Some("mask/multiply"), Some("mask/multiply")],
        inputs: |size| vec![size.after(), Shape::planar(1, size.after().height, size.after().width)],
        output: ProblemSize::after,
        implementations: Implementations::One(|_| Box::new(Mask)),
    },
    Benchmark {
        name: "mse",
        operation: "mse",
        kernels: [Some("mse/forward"), Some("mse/backward")],
        inputs: |size| vec![size.after(); 2],
        output: |_| Shape::scalar(),
        implementations: Implementations::One(|_| Box::new(Mse)),
    },
    Benchmark {
        name: "l1_gradient",
        operation: "l1_gradient",
        kernels: [None, Some("l1_gradient/scale")],
        inputs: |size| vec![size.after()],
        output: ProblemSize::after,
        implementations: Implementations::One(|_| Box::new(L1Gradient { strength: 1.0, floor: 1e-8 })),
    },
    Benchmark {
        name: "tone",
        operation: "tone",
        kernels: [Some("tone/forward"), Some("tone/backward")],
        inputs: |size| vec![size.image(), TONE.windows(size.image())],
        output: |size| TONE.windows(size.image()),
        implementations: Implementations::One(|_| Box::new(TONE)),
    },
    Benchmark {
        name: "tv",
        operation: "tv",
        kernels: [Some("tv/forward"), Some("tv/backward")],
        inputs: |size| vec![size.image()],
        output: |_| Shape::scalar(),
        implementations: Implementations::One(|_| Box::new(TotalVariation)),
    },
    Benchmark {
        name: "weighted_sum",
        operation: "weighted_sum",
        kernels: [Some("weighted_sum/forward"), Some("weighted_sum/backward")],
        inputs: |_| vec![Shape::scalar(); TERMS],
        output: |_| Shape::scalar(),
        implementations: Implementations::One(|_| Box::new(WeightedSum { weights: vec![0.5; TERMS] })),
    },
    Benchmark {
        name: "matmul",
        operation: "matmul",
        kernels: [Some("matmul/1_naive"), None],
        inputs: |size| vec![matrix(size.side, size.side); 2],
        output: |size| matrix(size.side, size.side),
        implementations: Implementations::Lessons {
            ladder: &MATMUL_LADDER,
            build: |lesson| Box::new(Matmul(lesson)),
            sides: [1024, 256],
        },
    },
    Benchmark {
        name: "largest",
        operation: "largest",
        kernels: [Some("largest/1_atomics"), None],
        inputs: |size| vec![matrix(size.side, size.side)],
        output: |_| Shape::scalar(),
        implementations: Implementations::Lessons {
            ladder: &LARGEST_LADDER,
            build: |lesson| Box::new(Largest(lesson)),
            sides: [4096, 1024],
        },
    },
    Benchmark {
        name: "softmax",
        operation: "softmax",
        kernels: [Some("softmax/1_naive"), None],
        inputs: |size| vec![matrix(size.side, size.side)],
        output: |size| matrix(size.side, size.side),
        implementations: Implementations::Lessons {
            ladder: &SOFTMAX_LADDER,
            build: |lesson| Box::new(Softmax(lesson)),
            sides: [4096, 1024],
        },
    },
];

//! The list of tasks: operations as users name them, each with its shapes and the ways to compute it.

use super::{Site, Task, Way};
use crate::gpu::{Gpu, Shape};
use crate::ops::{
    ConvVariant, Crop, GramVariant, Mask, Mse, Normalize, Pool, Pooling, Relu, Stack, TotalVariation,
    WeightedSum,
};

/// Every task. A test sees to it that no operation and no case is left out.
pub static TASKS: [Task; 12] = [
    Task {
        name: "conv3x3",
        operation: "conv",
        inputs: |site| vec![site.before()],
        output: Site::after,
        ways: || ConvVariant::ALL.map(Way::conv).into(),
    },
    Task {
        name: "gram",
        operation: "gram",
        inputs: |site| vec![site.after()],
        output: |site| Shape::blocked(site.after().channels, 1, site.after().channels),
        ways: || GramVariant::ALL.map(Way::gram).into(),
    },
    Task {
        name: "normalize",
        operation: "normalize",
        inputs: |site| vec![site.picture()],
        output: |site| Shape::blocked(3, site.side, site.side).stored_in(site.precision),
        ways: || {
            let build =
                |_: &Gpu, site: &Site| Ok(Normalize { precision: site.precision, ..Normalize::IDENTITY });
            vec![Way::only("normalize", "normalize", build)]
        },
    },
    Task {
        name: "pool_max",
        operation: "pool",
        inputs: |site| vec![site.after()],
        output: halved,
        ways: || vec![Way::only("pool_max", "pool/Max", |_, _| Ok(Pool(Pooling::Max)))],
    },
    Task {
        name: "pool_avg",
        operation: "pool",
        inputs: |site| vec![site.after()],
        output: halved,
        ways: || vec![Way::only("pool_avg", "pool/Avg", |_, _| Ok(Pool(Pooling::Avg)))],
    },
    Task {
        name: "relu",
        operation: "relu",
        inputs: |site| vec![site.after()],
        output: Site::after,
        ways: || vec![Way::only("relu", "relu", |_, _| Ok(Relu))],
    },
    Task {
        name: "crop",
        operation: "crop",
        inputs: |site| vec![site.after()],
        output: halved,
        ways: || {
            let build = |_: &Gpu, site: &Site| {
                let Shape { height, width, .. } = halved(site);
                Ok(Crop { top: height / 2, left: width / 2, height, width })
            };
            vec![Way::only("crop", "crop", build)]
        },
    },
    Task {
        name: "stack",
        operation: "stack",
        inputs: |site| vec![halved(site); 2],
        output: |site| Shape { height: 2 * halved(site).height, ..halved(site) },
        ways: || vec![Way::only("stack", "stack", |_, _| Ok(Stack))],
    },
    Task {
        name: "mask",
        operation: "mask",
        inputs: |site| vec![site.after(), Shape::planar(1, site.after().height, site.after().width)],
        output: Site::after,
        ways: || vec![Way::only("mask", "mask", |_, _| Ok(Mask))],
    },
    Task {
        name: "mse",
        operation: "mse",
        inputs: |site| vec![site.after(); 2],
        output: |_| Shape::scalar(),
        ways: || vec![Way::only("mse", "mse", |_, _| Ok(Mse))],
    },
    Task {
        name: "tv",
        operation: "tv",
        inputs: |site| vec![site.picture()],
        output: |_| Shape::scalar(),
        ways: || vec![Way::only("tv", "tv", |_, _| Ok(TotalVariation))],
    },
    Task {
        name: "weighted_sum",
        operation: "weighted_sum",
        inputs: |_| vec![Shape::scalar(); TERMS],
        output: |_| Shape::scalar(),
        ways: || {
            let build = |_: &Gpu, _: &Site| Ok(WeightedSum { weights: vec![0.5; TERMS] });
            vec![Way::only("weighted_sum", "weighted_sum", build)]
        },
    },
];

/// Terms of a loss by default: one of content and five of style.
const TERMS: usize = 6;

fn halved(site: &Site) -> Shape {
    let whole = site.after();
    Shape { height: whole.height / 2, width: whole.width / 2, ..whole }
}

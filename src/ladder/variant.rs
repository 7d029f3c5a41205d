//! One way to compute an operation.

use std::fmt;

use super::ProblemSize;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::graph::Op;
use crate::ops::case::{numbers, to_f32};
use crate::ops::{Conv, ConvVariant, Gram, GramVariant, PackedWeights};
use crate::vgg19::{Kernels, LayerId};

/// Says what a device lacks for it.
type Lacks = Box<dyn Fn(&Gpu) -> Option<String>>;

/// Makes the operation for a site, with numbers by chance.
type Build = Box<dyn Fn(&Gpu, &ProblemSize) -> Result<Box<dyn Op>>>;

/// Says whether it is what a layer runs.
type Used = Box<dyn Fn(&Kernels, LayerId) -> bool>;

/// One way to do a task: a rung of its ladder.
pub struct Variant {
    name: &'static str,
    /// First word of the labels of its cases.
    cases: String,
    lacks: Lacks,
    build: Build,
    used: Used,
}

impl Variant {
    /// The variant's name, or the task's where there is one way only.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What the device lacks of what it needs, in words to follow "needs".
    pub fn lacks(&self, gpu: &Gpu) -> Option<String> {
        (self.lacks)(gpu)
    }

    /// Whether a painting with these kernels runs it at this layer.
    pub fn is_used(&self, kernels: &Kernels, layer: LayerId) -> bool {
        (self.used)(kernels, layer)
    }

    pub(super) fn has_case(&self, label: &str) -> bool {
        label.split(' ').next() == Some(&self.cases)
    }

    pub(super) fn build(&self, gpu: &Gpu, size: &ProblemSize) -> Result<Box<dyn Op>> {
        (self.build)(gpu, size)
    }

    /// A variant of the convolution, 3x3 with its ReLU.
    pub(super) fn conv(variant: ConvVariant) -> Self {
        Self {
            name: variant.name(),
            cases: format!("conv/{variant}"),
            lacks: Box::new(move |gpu| variant.lacks(gpu)),
            build: Box::new(move |gpu, size| {
                let channels = [size.after().channels, size.before().channels];
                let [outs, ins] = channels.map(|n| n as usize);
                let weight = to_f32(&numbers(1, 9 * ins * outs));
                let bias = to_f32(&numbers(2, outs));
                let weights = PackedWeights::new(gpu, variant, size.precision, &weight, &bias, channels)?;
                Ok(Box::new(Conv::new(weights.into(), true)))
            }),
            used: Box::new(move |kernels, layer| kernels.conv(layer) == variant),
        }
    }

    /// A variant of the Gram matrix.
    pub(super) fn gram(variant: GramVariant) -> Self {
        Self {
            name: variant.name(),
            cases: format!("gram/{variant}"),
            lacks: Box::new(move |gpu| variant.lacks(gpu)),
            build: Box::new(move |gpu, size| Ok(Box::new(Gram::new(gpu, variant, size.after().channels)?))),
            used: Box::new(move |kernels, layer| kernels.gram(layer) == variant),
        }
    }

    /// The only way there is, which every device can go.
    pub(super) fn only<O: Op + 'static>(
        name: &'static str,
        cases: &str,
        build: fn(&Gpu, &ProblemSize) -> Result<O>,
    ) -> Self {
        Self {
            name,
            cases: cases.into(),
            lacks: Box::new(|_| None),
            build: Box::new(move |gpu, size| Ok(Box::new(build(gpu, size)?))),
            used: Box::new(|_, _| true),
        }
    }
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way").field("name", &self.name).finish_non_exhaustive()
    }
}

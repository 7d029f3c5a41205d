//! Which rung of a ladder is used on a device.

use std::fmt;

use super::case::{distance, numbers, to_f32};
use super::{Conv, Gram, Mse, PackedWeights};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Shape, Use};
use crate::graph::Graph;

/// A rung: the kernels of convolution and Gram matrix come in these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// The definition, for reading and for checking the others.
    Naive,
    /// Tiles in workgroup memory: for GPUs.
    Tiled,
    /// Registers, subgroup broadcasts and texture fetches: for drivers on the CPU.
    Texture,
}

/// A choice and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantChoice {
    /// What is used.
    pub variant: Variant,
    /// A variant that was to be used but computes wrongly, or not at all, on this device.
    pub refused: Option<Variant>,
}

impl Variant {
    /// How far an answer may be from the naive one's, relative to its largest number. Sums of other
    /// orders differ by some 1e-6.
    const TOLERANCE: f64 = 1e-5;

    /// All rungs, plainest first.
    pub const ALL: [Variant; 3] = [Variant::Naive, Variant::Tiled, Variant::Texture];

    /// Whether the device has what the variant needs.
    pub fn runs_on(self, gpu: &Gpu) -> bool {
        let limits = gpu.limits();
        match self {
            Variant::Naive => true,
            Variant::Tiled => {
                limits.max_compute_invocations_per_workgroup >= 256
                    && limits.max_compute_workgroup_storage_size >= 8192
            }
            Variant::Texture => gpu.subgroup_size().is_some_and(|size| size >= 8),
        }
    }

    /// The variant for this device: the best one for its class, if it agrees with the naive kernel
    /// here and now on a small convolution and Gram matrix, forward and backward; else the naive one.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the naive kernel cannot run.
    pub fn choose(gpu: &Gpu) -> Result<VariantChoice> {
        let suits = |variant: Variant| variant.runs_on(gpu);
        let preferred = if gpu.adapter().is_software() && suits(Variant::Texture) {
            Variant::Texture
        } else if suits(Variant::Tiled) {
            Variant::Tiled
        } else {
            Variant::Naive
        };
        Self::trust(preferred, |variant| trial(gpu, variant))
    }

    /// `preferred`, unless its answer differs from the naive one's or cannot be had.
    fn trust(preferred: Variant, run: impl Fn(Variant) -> Result<[Vec<f32>; 2]>) -> Result<VariantChoice> {
        if preferred == Variant::Naive {
            return Ok(VariantChoice { variant: preferred, refused: None });
        }
        let want = run(Variant::Naive)?.map(|values| values.into_iter().map(f64::from).collect::<Vec<_>>());
        let agrees = run(preferred)
            .is_ok_and(|got| got.iter().zip(&want).all(|(got, want)| distance(got, want) < Self::TOLERANCE));
        Ok(match agrees {
            true => VariantChoice { variant: preferred, refused: None },
            false => VariantChoice { variant: Variant::Naive, refused: Some(preferred) },
        })
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Variant::Naive => "naive",
            Variant::Tiled => "tiled",
            Variant::Texture => "texture",
        })
    }
}

/// A convolution and the Gram matrix of its result, of sizes that fit no tile: the matrix, and the
/// gradient of its mean square, which goes through both backward passes.
fn trial(gpu: &Gpu, variant: Variant) -> Result<[Vec<f32>; 2]> {
    let (inputs, outputs, size) = (11u32, 37u32, Shape::blocked(11, 9, 23));
    let weight = to_f32(&numbers(1, (inputs * outputs * 9) as usize));
    let bias = to_f32(&numbers(2, outputs as usize));
    let weights = PackedWeights::new(gpu, variant, &weight, &bias, [outputs, inputs])?;
    let zeros = vec![0.0; (outputs * outputs) as usize];
    let target = gpu.upload(Shape::blocked(outputs, 1, outputs), &zeros, Use::Scratch, "trial")?;

    let mut graph = Graph::new();
    let src = graph.leaf("src", size);
    let features = graph.apply("trial", Box::new(Conv::new(weights.into(), true)), &[src]);
    let gram = graph.apply("trial", Box::new(Gram::new(gpu, variant, outputs)?), &[features]);
    let loss = graph.apply("trial", Box::new(Mse::new(target)), &[gram]);
    let tensor = gpu.upload(size, &to_f32(&numbers(3, size.len())), Use::Scratch, "trial")?;
    let program = graph.compile(gpu, &graph.plan(&[gram], Some((loss, src))), &[(src, tensor)])?;
    gpu.submit(&[&program.forward, &program.backward])?;
    let gradient = program.gradient().ok_or_else(|| Error::gpu("the trial", "no gradient"))?;
    Ok([gpu.read(program.value(gram))?, gpu.read(gradient)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_that_computes_wrongly_is_refused() {
        let wrong = |variant| {
            Ok([vec![1.0], if variant == Variant::Naive { vec![1.0, 2.0] } else { vec![1.0, 2.1] }])
        };
        let choice = Variant::trust(Variant::Tiled, wrong).unwrap();
        assert_eq!(choice, VariantChoice { variant: Variant::Naive, refused: Some(Variant::Tiled) });
        let right = |_| Ok([vec![1.0], vec![2.0]]);
        assert_eq!(Variant::trust(Variant::Tiled, right).unwrap().variant, Variant::Tiled);
        let broken = |variant| match variant {
            Variant::Naive => Ok([vec![1.0], vec![2.0]]),
            _ => Err(Error::gpu("x", "y")),
        };
        assert_eq!(Variant::trust(Variant::Texture, broken).unwrap().refused, Some(Variant::Texture));
    }
}

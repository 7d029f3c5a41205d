//! Runs a candidate: does it agree with the naive kernel on this device, and how long does it take?

use std::time::Instant;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Precision, Shape, Use};
use crate::graph::{Graph, NodeId, Op, Program};
use crate::ops::case::{F16_TOLERANCE, distance, numbers, to_f32};
use crate::ops::{Conv, ConvVariant, Gram, GramVariant, PackedWeights};

/// Sums in other orders differ by some 1e-6, Winograd's F(4x4) by a few times that. What rounds to f16 and bf16 has
/// [`F16_TOLERANCE`].
const TOLERANCE: f64 = 3e-5;

/// Runs of a candidate that are timed at most, after one that is not, and seconds after which no more
/// are begun.
const REPETITIONS: usize = 5;
const ENOUGH: f64 = 0.2;

/// What a trial computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Of either sign.
    Mixed,
    /// Weights of one sign a channel, and inputs that are not negative: no sum is close to zero. One that is may get
    /// the other sign from rounding to f16; the ReLU then lets a whole gradient through or none, and a right kernel
    /// looks wrong.
    OneSign,
}

/// Something that can be tried: a variant of an operation.
pub(super) trait Candidate: Copy {
    /// The operation on features of this shape, to `out_channels`.
    fn op(self, gpu: &Gpu, features: Shape, out_channels: u32, kind: Numbers) -> Result<Box<dyn Op>>;

    /// The variant that is right by definition.
    fn naive() -> Self;

    /// As tables show it.
    fn label(self) -> String;

    /// Whether it rounds to f16 by itself.
    fn is_rough(self) -> bool {
        false
    }
}

impl Candidate for ConvVariant {
    fn op(self, gpu: &Gpu, features: Shape, out_channels: u32, kind: Numbers) -> Result<Box<dyn Op>> {
        let a_channel = features.channels as usize * 9;
        let mut weight = to_f32(&numbers(1, a_channel * out_channels as usize));
        if kind == Numbers::OneSign {
            for (weights, sign) in weight.chunks_exact_mut(a_channel).zip(numbers(5, out_channels as usize)) {
                weights.iter_mut().for_each(|weight| *weight = weight.copysign(sign as f32));
            }
        }
        let bias = to_f32(&numbers(2, out_channels as usize));
        let weights = PackedWeights::new(
            gpu,
            self,
            features.precision,
            &weight,
            &bias,
            [out_channels, features.channels],
        )?;
        Ok(Box::new(Conv::new(weights.into(), true)))
    }

    fn naive() -> Self {
        Self::Naive
    }

    fn label(self) -> String {
        format!("conv3x3 {self}")
    }

    fn is_rough(self) -> bool {
        self.is_reduced_precision()
    }
}

impl Candidate for GramVariant {
    fn op(self, gpu: &Gpu, features: Shape, _out_channels: u32, _: Numbers) -> Result<Box<dyn Op>> {
        Ok(Box::new(Gram::new(gpu, self, features.channels)?))
    }

    fn naive() -> Self {
        Self::Naive
    }

    fn label(self) -> String {
        format!("gram {self}")
    }
}

/// Why a candidate cannot be trusted on this device, if so: it runs, forward and backward, on sizes that
/// fit no tile, in the form that stores what a run with this precision stores, and is compared with the naive kernel
/// in f32.
///
/// # Errors
/// [`Error::Gpu`] if the naive kernel cannot run.
pub(super) fn fault<C: Candidate>(gpu: &Gpu, candidate: C, precision: Precision) -> Result<Option<String>> {
    let rough = precision == Precision::F16 || candidate.is_rough();
    let (tolerance, kind) =
        if rough { (F16_TOLERANCE, Numbers::OneSign) } else { (TOLERANCE, Numbers::Mixed) };
    let answers = |candidate: C, precision| -> Result<[Vec<f32>; 2]> {
        let run = Run::new(gpu, candidate, Shape::blocked(11, 9, 23).stored_in(precision), 37, kind)?;
        gpu.submit(&[&run.program.forward, &run.program.backward])?;
        let gradient = run.program.gradient().ok_or_else(|| Error::gpu("a trial", "no gradient"))?;
        Ok([gpu.read(run.program.value(run.node))?, gpu.read(gradient)?])
    };
    let want = answers(C::naive(), Precision::F32)?;
    let got = match answers(candidate, precision) {
        Ok(got) => got,
        Err(error) => return Ok(Some(error.to_string())),
    };
    let off = got.iter().zip(want).map(|(got, want)| {
        let want: Vec<f64> = want.into_iter().map(f64::from).collect();
        distance(got, &want)
    });
    let worst = off.fold(0.0, f64::max);
    // Infinity stands for NaN, too.
    Ok((worst > tolerance).then(|| format!("off by {worst:.1e} from the naive kernel")))
}

/// Seconds that both passes of each candidate take on features of this shape. They run in turns, so that
/// whatever else the machine does slows all of them, and the fastest run counts.
///
/// # Errors
/// [`Error::Gpu`] if one cannot run.
pub(super) fn seconds<C: Candidate>(
    gpu: &Gpu,
    candidates: &[C],
    features: Shape,
    outs: u32,
) -> Result<Vec<f64>> {
    let new = |candidate: &C| Run::new(gpu, *candidate, features, outs, Numbers::Mixed);
    let runs = candidates.iter().map(new).collect::<Result<Vec<_>>>()?;
    for run in &runs {
        run.seconds(gpu)?;
    }
    let (mut fastest, start) = (vec![f64::INFINITY; runs.len()], Instant::now());
    for _ in 0..REPETITIONS {
        for (run, fastest) in runs.iter().zip(&mut fastest) {
            *fastest = fastest.min(run.seconds(gpu)?);
        }
        if start.elapsed().as_secs_f64() > ENOUGH {
            break;
        }
    }
    Ok(fastest)
}

/// An operation alone in a graph, with numbers to work on.
struct Run {
    program: Program,
    node: NodeId,
}

impl Run {
    fn new<C: Candidate>(gpu: &Gpu, candidate: C, features: Shape, outs: u32, kind: Numbers) -> Result<Self> {
        let mut activations = to_f32(&numbers(3, features.len()));
        if kind == Numbers::OneSign {
            activations.iter_mut().for_each(|x| *x = x.abs());
        }
        let x = gpu.upload(features, &activations, Use::Scratch, "trial")?;
        let mut graph = Graph::new();
        let leaf = graph.leaf("trial", features);
        let node = graph.apply("trial", candidate.op(gpu, features, outs, kind)?, &[leaf]);
        let plan = graph.plan(&[node], Some((&[node], leaf)));
        let program = graph.compile(gpu, &plan, &[(leaf, x)])?;
        if let Some(seed) = program.seeds().first() {
            gpu.write(seed, &to_f32(&numbers(4, seed.shape().len())));
        }
        Ok(Self { program, node })
    }

    /// Runs both passes.
    fn seconds(&self, gpu: &Gpu) -> Result<f64> {
        let start = Instant::now();
        gpu.submit(&[&self.program.forward, &self.program.backward])?;
        gpu.wait()?;
        Ok(start.elapsed().as_secs_f64())
    }
}

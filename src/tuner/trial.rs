//! Runs a variant alone: does it agree with the definition on this device, and how long does it take?

use web_time::Instant;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Precision, Recording, Shape, Tensor, Use};
use crate::graph::{Differentiate, Graph, NodeId, Program, Request};
use crate::ops::case::{F16_TOLERANCE, TestValues, distance, numbers, to_f32};
use crate::ops::variants::{Pass, TunedOp, Variant};

/// Sums in other orders differ by some 1e-6, Winograd's F(4x4) by a few times that. Results that round to f16 and bf16
/// have [`F16_TOLERANCE`].
const TOLERANCE: f64 = 3e-5;

/// Timed runs of each variant, after one that is not timed, and seconds after which no further run beyond the fewest
/// begins.
const FEWEST: usize = 3;
const MOST: usize = 5;
const ENOUGH: f64 = 0.02;

/// Seconds of a timed run: as many repetitions are submitted at once, so that the latency of a submission, some 50 us,
/// counts for little.
const RUN: f64 = 5e-4;
const MOST_REPETITIONS: usize = 16;

/// A variant whose untimed runs take so many times the shortest, in both passes, is timed no further.
const HOPELESS: f64 = 3.0;

/// A variant replaces the built-in choice if each of its runs takes at most this share of the fastest run of that.
pub(super) const CLEARLY_FASTER: f64 = 0.9;

/// Why each of these variants cannot be trusted on this device; `None` for one that can. Each runs, forward and backward,
/// on tensors stored as a run with this precision stores them, and is compared with the naive variant in f32.
///
/// # Errors
/// [`Error::Gpu`] if a naive variant cannot run.
pub(super) fn faults(
    gpu: &Gpu,
    variants: &[&'static Variant],
    precision: Precision,
) -> Result<Vec<Option<String>>> {
    let demands = |variant: &Variant| match precision == Precision::F16 || variant.rounds_to_f16() {
        true => (F16_TOLERANCE, TestValues::OneSign),
        false => (TOLERANCE, TestValues::Mixed),
    };
    let trials: Vec<Result<Run>> = variants
        .par_iter()
        .map(|variant| Run::for_answers(gpu, variant, precision, demands(variant).1))
        .collect();
    // A kernel that the device does not take is the fault of its own variant, found below.
    let _ = gpu.compile(&recordings(trials.iter().flatten()));
    let mut wanted: Vec<(TunedOp, TestValues, [Vec<f64>; 2])> = vec![];
    let mut faults = vec![];
    for (variant, trial) in variants.iter().zip(trials) {
        let ((tolerance, values), op) = (demands(variant), variant.op());
        let known = wanted.iter().position(|(of, with, _)| (*of, *with) == (op, values));
        let at = known.unwrap_or(wanted.len());
        if at == wanted.len() {
            let naive = Run::for_answers(gpu, op.naive(), Precision::F32, values)?.answers(gpu)?;
            wanted.push((op, values, naive.map(|answer| answer.into_iter().map(f64::from).collect())));
        }
        faults.push(match trial.and_then(|run| run.answers(gpu)) {
            Ok(got) => disagreement(&got, &wanted[at].2, tolerance),
            // Nothing is known of the kernel then, and nothing may be remembered.
            Err(lost @ Error::DeviceLost { .. }) => return Err(lost),
            Err(error) => Some(error.to_string()),
        });
    }
    Ok(faults)
}

fn disagreement(got: &[Vec<f32>; 2], want: &[Vec<f64>; 2], tolerance: f64) -> Option<String> {
    let worst = got.iter().zip(want).map(|(got, want)| distance(got, want)).fold(0.0, f64::max);
    // Infinity stands for NaN, too.
    (worst > tolerance).then(|| format!("off by {worst:.1e} from the naive kernel"))
}

/// Seconds of the timed runs of a variant, by pass.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) variant: &'static Variant,
    forward: Vec<f64>,
    backward: Vec<f64>,
}

impl Times {
    fn new(variant: &'static Variant) -> Self {
        Self { variant, forward: vec![], backward: vec![] }
    }

    fn push(&mut self, [forward, backward]: [f64; 2]) {
        self.forward.push(forward);
        self.backward.push(backward);
    }

    fn count(&self) -> usize {
        self.forward.len()
    }

    /// The least seconds of a pass.
    pub(super) fn fastest(&self, pass: Pass) -> f64 {
        self.of(pass).iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The most seconds of a pass.
    pub(super) fn slowest(&self, pass: Pass) -> f64 {
        self.of(pass).iter().copied().fold(0.0, f64::max)
    }

    fn of(&self, pass: Pass) -> &[f64] {
        match pass {
            Pass::Forward => &self.forward,
            Pass::Backward => &self.backward,
        }
    }
}

/// Times each variant on features of this shape. They run in turns, so that other work on the machine slows all of
/// them alike. A variant that is [`HOPELESS`] beside those that are as accurate is left out unless it is in `kept`.
///
/// # Errors
/// [`Error::Gpu`] if one cannot run.
pub(super) fn times(
    gpu: &Gpu,
    variants: &[&'static Variant],
    kept: &[&'static Variant],
    features: Shape,
    out_channels: u32,
) -> Result<Vec<Times>> {
    let x = noise(gpu, features)?;
    // Weights are packed in parallel.
    let new = |variant: &&'static Variant| Run::new(gpu, variant, &x, out_channels, TestValues::Repeated);
    let runs = variants.par_iter().map(new).collect::<Result<Vec<_>>>()?;
    gpu.compile(&recordings(&runs))?;
    let first = |run: &Run| {
        run.seconds(gpu, [1; 2])?;
        run.seconds(gpu, [1; 2])
    };
    let firsts = runs.iter().map(first).collect::<Result<Vec<_>>>()?;
    let mut timed: Vec<(&Run, [usize; 2], Times)> = vec![];
    for ((run, variant), first) in runs.iter().zip(variants).zip(&firsts) {
        let peers = variants.iter().zip(&firsts).filter(|(peer, _)| is_as_accurate(peer, variant));
        if kept.contains(variant) || !is_hopeless(first, peers.map(|(_, first)| first)) {
            let repetitions = first.map(|seconds| ((RUN / seconds) as usize).clamp(1, MOST_REPETITIONS));
            let mut times = Times::new(variant);
            if repetitions == [1; 2] {
                times.push(*first);
            }
            timed.push((run, repetitions, times));
        }
    }
    let start = Instant::now();
    for _ in 0..MOST {
        let enough = timed.iter().all(|(_, _, times)| times.count() >= FEWEST);
        if enough && start.elapsed().as_secs_f64() > ENOUGH {
            break;
        }
        for (run, repetitions, times) in &mut timed {
            times.push(run.seconds(gpu, *repetitions)?);
        }
    }
    Ok(timed.into_iter().map(|(_, _, times)| times).collect())
}

fn is_as_accurate(peer: &Variant, variant: &Variant) -> bool {
    variant.rounds_to_f16() || !peer.rounds_to_f16()
}

/// Whether both passes take [`HOPELESS`] times those of the fastest.
fn is_hopeless<'a>(seconds: &[f64; 2], peers: impl Iterator<Item = &'a [f64; 2]>) -> bool {
    let fastest = peers.fold([f64::INFINITY; 2], |[f, b], peer| [f.min(peer[0]), b.min(peer[1])]);
    (0..2).all(|pass| seconds[pass] > HOPELESS * fastest[pass])
}

/// A tensor of this shape for timings, padding included, uploaded as it lies in memory.
fn noise(gpu: &Gpu, shape: Shape) -> Result<Tensor> {
    let count = shape.vectors() as usize * 4;
    let flat = Shape::planar(1, 1, count as u32).stored_in(shape.precision);
    let x = gpu.upload(flat, &TestValues::Repeated.features(3, count), Use::Scratch, "trial")?;
    Ok(x.viewed_as(shape))
}

/// The variant whose pass takes the least time. The built-in choice stands unless another is faster by a margin that
/// the noise of timing does not cross: all runs of that one, its slowest included, must beat the fastest run of the
/// built-in choice by [`CLEARLY_FASTER`]. `None` if the built-in choice was not timed.
pub(super) fn clearly_fastest<'a>(
    timed: impl Iterator<Item = &'a Times> + Clone,
    pass: Pass,
    builtin: &'static Variant,
) -> Option<&'a Times> {
    let standing = timed.clone().find(|times| times.variant == builtin)?;
    let faster = timed.filter(|times| times.slowest(pass) <= CLEARLY_FASTER * standing.fastest(pass));
    let best = faster.min_by(|a, b| a.slowest(pass).total_cmp(&b.slowest(pass)));
    Some(best.unwrap_or(standing))
}

/// What some runs launch.
fn recordings<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<&'a Recording> {
    runs.into_iter().flat_map(|run| [&run.program.forward, &run.program.backward]).collect()
}

/// A variant alone in a graph, with values to work on.
struct Run {
    program: Program,
    node: NodeId,
}

impl Run {
    /// The gradient of its output is 1 everywhere.
    fn new(
        gpu: &Gpu,
        variant: &'static Variant,
        x: &Tensor,
        out_channels: u32,
        values: TestValues,
    ) -> Result<Self> {
        let mut graph = Graph::new();
        let leaf = graph.leaf("trial", x.shape());
        let op = variant.test_op(gpu, x.shape(), out_channels, values)?;
        let node = graph.apply("trial", op, &[leaf]);
        let differentiate = Some(Differentiate { outputs: vec![node], input: leaf });
        let plan = graph.plan(Request { keep: vec![node], differentiate, ..Request::default() });
        let program = graph.compile(gpu, &plan, &[(leaf, x.clone())])?;
        Ok(Self { program, node })
    }

    /// On sizes that fit no tile, with a gradient of the output that differs everywhere.
    fn for_answers(
        gpu: &Gpu,
        variant: &'static Variant,
        precision: Precision,
        values: TestValues,
    ) -> Result<Self> {
        let features = Shape::blocked(11, 9, 23).stored_in(precision);
        let x = gpu.upload(features, &values.features(3, features.len()), Use::Scratch, "trial")?;
        let run = Self::new(gpu, variant, &x, 37, values)?;
        for seed in run.program.seeds() {
            gpu.write(seed, &to_f32(&numbers(4, seed.shape().len())));
        }
        Ok(run)
    }

    /// Runs both passes; the output, and the gradient of the input.
    fn answers(&self, gpu: &Gpu) -> Result<[Vec<f32>; 2]> {
        gpu.submit(&[&self.program.forward, &self.program.backward])?;
        let gradient = self.program.gradient().ok_or_else(|| Error::gpu("a trial", "no gradient"))?;
        Ok([gpu.read(self.program.value(self.node))?, gpu.read(gradient)?])
    }

    /// Seconds of each pass, from so many repetitions of it.
    fn seconds(&self, gpu: &Gpu, repetitions: [usize; 2]) -> Result<[f64; 2]> {
        let mut seconds = [0.0; 2];
        let passes = [&self.program.forward, &self.program.backward];
        for ((recording, count), seconds) in passes.into_iter().zip(repetitions).zip(&mut seconds) {
            let start = Instant::now();
            gpu.submit(&vec![recording; count])?;
            gpu.wait()?;
            *seconds = start.elapsed().as_secs_f64() / count as f64;
        }
        Ok(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::variants::TunedOp;

    #[test]
    fn a_variant_is_hopeless_only_if_both_passes_are() {
        let peers = [[1.0, 1.0], [0.5, 2.0]];
        let is = |seconds: [f64; 2]| is_hopeless(&seconds, peers.iter());
        assert!(is([1.6, 3.1]));
        assert!(!is([1.4, 9.0]) && !is([9.0, 2.9]));
        // What rounds is no measure of what does not.
        let [exact, rounding] =
            ["taps_inner", "cooperative"].map(|name| TunedOp::Conv3x3.variant(name).unwrap());
        assert!(is_as_accurate(exact, rounding) && is_as_accurate(rounding, rounding));
        assert!(is_as_accurate(exact, exact) && !is_as_accurate(rounding, exact));
    }

    #[test]
    fn only_what_is_faster_in_every_run_replaces_the_builtin_choice() {
        let variants =
            ["taps_inner", "winograd_f2", "winograd_f4"].map(|name| TunedOp::Conv3x3.variant(name).unwrap());
        let choice = |runs: [&[f64]; 3]| {
            let backward = |runs: &[f64]| vec![1.0; runs.len()];
            let times: Vec<Times> = variants
                .into_iter()
                .zip(runs)
                .map(|(variant, runs)| Times { variant, forward: runs.into(), backward: backward(runs) })
                .collect();
            let of = |pass| clearly_fastest(times.iter(), pass, variants[2]).unwrap().variant.name;
            [of(Pass::Forward), of(Pass::Backward)]
        };
        let both = |forward| [forward, "winograd_f4"];
        assert_eq!(choice([&[0.5, 0.6, 0.5], &[0.8, 0.8, 0.8], &[1.0, 1.1, 1.0]]), both("taps_inner"));
        // One slow run of the faster one, or one fast run of the built-in choice, and that stands.
        assert_eq!(choice([&[0.5, 0.95, 0.5], &[1.2; 3], &[1.0, 1.1, 1.0]]), both("winograd_f4"));
        assert_eq!(choice([&[0.5, 0.6, 0.5], &[1.2; 3], &[1.0, 0.6, 1.0]]), both("winograd_f4"));
        assert_eq!(choice([&[0.95; 3], &[0.93; 3], &[1.0; 3]]), both("winograd_f4"));
    }
}

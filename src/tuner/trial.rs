//! Runs a variant alone: does it agree with the definition on this device, and how long does it take?

use std::time::Instant;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, Precision, Shape, Use};
use crate::graph::{Differentiate, Graph, NodeId, Program, Request};
use crate::ops::case::{F16_TOLERANCE, TestValues, distance, numbers, to_f32};
use crate::ops::variants::{Pass, Variant};

/// Sums in other orders differ by some 1e-6, Winograd's F(4x4) by a few times that. Results that round to f16 and bf16
/// have [`F16_TOLERANCE`].
const TOLERANCE: f64 = 3e-5;

/// Timed runs of each variant, after one that is not timed, and seconds after which no further run beyond the fewest
/// begins.
const FEWEST: usize = 3;
const MOST: usize = 7;
const ENOUGH: f64 = 0.2;

/// A variant replaces the built-in choice if each of its runs takes at most this share of the fastest run of that.
pub(super) const CLEARLY_FASTER: f64 = 0.9;

/// Why a variant cannot be trusted on this device, if so. It runs, forward and backward, on sizes that fit no tile, on
/// tensors stored as a run with this precision stores them, and is compared with the naive variant in f32.
///
/// # Errors
/// [`Error::Gpu`] if the naive variant cannot run.
pub(super) fn fault(gpu: &Gpu, variant: &'static Variant, precision: Precision) -> Result<Option<String>> {
    let (tolerance, values) = match precision == Precision::F16 || variant.rounds_to_f16() {
        true => (F16_TOLERANCE, TestValues::OneSign),
        false => (TOLERANCE, TestValues::Mixed),
    };
    let answers = |variant, precision| -> Result<[Vec<f32>; 2]> {
        let run = Run::new(gpu, variant, Shape::blocked(11, 9, 23).stored_in(precision), 37, values)?;
        gpu.submit(&[&run.program.forward, &run.program.backward])?;
        let gradient = run.program.gradient().ok_or_else(|| Error::gpu("a trial", "no gradient"))?;
        Ok([gpu.read(run.program.value(run.node))?, gpu.read(gradient)?])
    };
    let want = answers(variant.op().naive(), Precision::F32)?;
    let got = match answers(variant, precision) {
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
/// them alike.
///
/// # Errors
/// [`Error::Gpu`] if one cannot run.
pub(super) fn times(
    gpu: &Gpu,
    variants: &[&'static Variant],
    features: Shape,
    out_channels: u32,
) -> Result<Vec<Times>> {
    let new = |variant: &&'static Variant| Run::new(gpu, variant, features, out_channels, TestValues::Mixed);
    let runs = variants.iter().map(new).collect::<Result<Vec<_>>>()?;
    for run in &runs {
        run.seconds(gpu)?;
    }
    let mut times: Vec<Times> = variants.iter().map(|variant| Times::new(variant)).collect();
    let start = Instant::now();
    for round in 0..MOST {
        if round >= FEWEST && start.elapsed().as_secs_f64() > ENOUGH {
            break;
        }
        for (run, times) in runs.iter().zip(&mut times) {
            let [forward, backward] = run.seconds(gpu)?;
            times.forward.push(forward);
            times.backward.push(backward);
        }
    }
    Ok(times)
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

/// A variant alone in a graph, with values to work on.
struct Run {
    program: Program,
    node: NodeId,
}

impl Run {
    fn new(
        gpu: &Gpu,
        variant: &'static Variant,
        features: Shape,
        out_channels: u32,
        values: TestValues,
    ) -> Result<Self> {
        let x = gpu.upload(features, &values.features(3, features.len()), Use::Scratch, "trial")?;
        let mut graph = Graph::new();
        let leaf = graph.leaf("trial", features);
        let op = variant.test_op(gpu, features, out_channels, values)?;
        let node = graph.apply("trial", op, &[leaf]);
        let differentiate = Some(Differentiate { outputs: vec![node], input: leaf });
        let plan = graph.plan(Request { keep: vec![node], differentiate, ..Request::default() });
        let program = graph.compile(gpu, &plan, &[(leaf, x)])?;
        if let Some(seed) = program.seeds().first() {
            gpu.write(seed, &to_f32(&numbers(4, seed.shape().len())));
        }
        Ok(Self { program, node })
    }

    /// Runs both passes, one after the other.
    fn seconds(&self, gpu: &Gpu) -> Result<[f64; 2]> {
        let mut seconds = [0.0; 2];
        for (recording, seconds) in
            [&self.program.forward, &self.program.backward].into_iter().zip(&mut seconds)
        {
            let start = Instant::now();
            gpu.submit(&[recording])?;
            gpu.wait()?;
            *seconds = start.elapsed().as_secs_f64();
        }
        Ok(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::variants::TunedOp;

    #[test]
    fn only_what_is_faster_in_every_run_replaces_the_builtin_choice() {
        let variants =
            ["vectors", "winograd_f2", "winograd_f4"].map(|name| TunedOp::Conv3x3.variant(name).unwrap());
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
        assert_eq!(choice([&[0.5, 0.6, 0.5], &[0.8, 0.8, 0.8], &[1.0, 1.1, 1.0]]), both("vectors"));
        // One slow run of the faster one, or one fast run of the built-in choice, and that stands.
        assert_eq!(choice([&[0.5, 0.95, 0.5], &[1.2; 3], &[1.0, 1.1, 1.0]]), both("winograd_f4"));
        assert_eq!(choice([&[0.5, 0.6, 0.5], &[1.2; 3], &[1.0, 0.6, 1.0]]), both("winograd_f4"));
        assert_eq!(choice([&[0.95; 3], &[0.93; 3], &[1.0; 3]]), both("winograd_f4"));
    }
}

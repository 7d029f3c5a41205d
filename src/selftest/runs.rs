//! Short runs of both optimisers: each must reach the loss of the reference, and give the same bytes twice.

use super::Measure;
use super::golden::Golden;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::optim::Method;
use crate::painter::{OptimizationLoop, WholeImageLoop};

/// Evaluations of a run.
const EVALUATIONS: usize = 9;

/// The last loss of the reference: the ninth line of `adam.jsonl` and of `lbfgs.jsonl` in the golden folder.
const ADAM: f64 = 346.436_691_676_740_9;
const LBFGS: f64 = 460.188_441_321_366_95;

/// Relative to the reference. Adam's path is insensitive to rounding.
const ADAM_OFF: f64 = 0.02;
/// The path of L-BFGS depends on rounding, so only a larger loss counts as an error.
const LBFGS_OFF: f64 = 0.15;

pub(super) fn adam(gpu: &Gpu, golden: &Golden) -> Result<Vec<Measure>> {
    let (last, same) = twice(gpu, golden, Method::Adam { lr: Method::ADAM_LR, average: false })?;
    Ok(vec![Measure::new("the last loss", (last / ADAM - 1.0).abs(), ADAM_OFF), same])
}

pub(super) fn lbfgs(gpu: &Gpu, golden: &Golden) -> Result<Vec<Measure>> {
    let (last, same) =
        twice(gpu, golden, Method::Lbfgs { lr: Method::LBFGS_LR, history: 10, smoothing: 0.0 })?;
    Ok(vec![Measure::new("the last loss", (last / LBFGS - 1.0).max(0.0), LBFGS_OFF), same])
}

/// The last loss, and the part of the values that differ in a second run.
fn twice(gpu: &Gpu, golden: &Golden, method: Method) -> Result<(f64, Measure)> {
    let ((last, one), (_, two)) = (run(gpu, golden, method)?, run(gpu, golden, method)?);
    let others = one.iter().zip(&two).filter(|(one, two)| one.to_bits() != two.to_bits()).count();
    let off = others as f64 / one.len() as f64;
    Ok((last, Measure::new("the part of values that differ in a second run", off, 0.0)))
}

/// The last loss and the resulting variable.
fn run(gpu: &Gpu, golden: &Golden, method: Method) -> Result<(f64, Vec<f32>)> {
    let mut optimization = WholeImageLoop::new(gpu, golden.objective(gpu)?, method, &golden.start()?)?;
    let mut last = f64::NAN;
    while let Some(step) = optimization.advance(EVALUATIONS)? {
        if step.restarted {
            let message = format!("the loss diverged in evaluation {}", step.iteration + 1);
            return Err(Error::gpu("a short run", message));
        }
        last = step.losses.total;
    }
    Ok((last, optimization.image()?.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_last_losses_are_those_of_the_reference() {
        for (file, want) in [("adam.jsonl", ADAM), ("lbfgs.jsonl", LBFGS)] {
            let root = std::env::var("CARGO_MANIFEST_DIR").unwrap();
            let folder = format!("{root}/tests/golden/gatys-96x64");
            let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
            let line: Value = serde_json::from_str(text.lines().nth(EVALUATIONS - 1).unwrap()).unwrap();
            assert_eq!(line["total"].as_f64(), Some(want), "{file}");
        }
    }
}

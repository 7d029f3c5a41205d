//! Adam (Kingma & Ba 2015, arXiv:1412.6980).

use super::{Guard, Problem};
use crate::error::Result;
use crate::gpu::{Recording, Shader, Shape, Tensor, Use, shader};

pub(super) const SHADERS: [Shader; 2] = [SCHEDULE, STEP];
const SCHEDULE: Shader = shader!("adam/schedule");
const STEP: Shader = shader!("adam/step");

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Records one update; returns beta1^t and beta2^t, and the running means of the gradient and of its
/// square.
pub(super) fn record(
    update: &mut Recording,
    problem: &Problem,
    guard: &Guard,
    lr: f32,
) -> Result<Vec<Tensor>> {
    let gpu = update.gpu().clone();
    let shape = problem.x.shape();
    let zeros = vec![0.0; shape.len()];
    let powers = gpu.upload(Shape::planar(1, 1, 2), &[1.0, 1.0], Use::Optimizer, "powers of beta")?;
    let mean = gpu.upload(shape, &zeros, Use::Optimizer, "mean of the gradient")?;
    let square = gpu.upload(shape, &zeros, Use::Optimizer, "mean square of the gradient")?;
    let schedule = gpu.kernel(&SCHEDULE, &[])?;
    update
        .launch(&schedule, "adam")
        .bind("state", guard.state())
        .bind("powers", &powers)
        .set("beta1", BETA1)
        .set("beta2", BETA2)
        .groups([1, 1, 1])?;
    let step = gpu.kernel(&STEP, &[])?;
    update
        .launch(&step, "adam")
        .bind("state", guard.state())
        .bind("powers", &powers)
        .bind("gradient", &problem.gradient)
        .bind("mean", &mean)
        .bind("square", &square)
        .bind("x", &problem.x)
        .set("lr", lr)
        .set("beta1", BETA1)
        .set("beta2", BETA2)
        .set("epsilon", EPSILON)
        .flops_each(14, shape.len())
        .elements(shape.vectors())?;
    Ok(vec![powers, mean, square])
}

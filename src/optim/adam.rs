//! Adam (Kingma & Ba 2015, arXiv:1412.6980).

use super::{Guard, Problem};
use crate::error::Result;
use crate::gpu::{Recording, Shader, Shape, Tensor, Use, shader};

pub(super) const SHADERS: [Shader; 3] = [SCHEDULE, STEP, AVERAGE];
const SCHEDULE: Shader = shader!("adam/schedule");
const STEP: Shader = shader!("adam/step");
const AVERAGE: Shader = shader!("adam/average");

pub(super) const BETA1: f32 = 0.9;
pub(super) const BETA2: f32 = 0.999;
pub(super) const EPSILON: f32 = 1e-8;
/// Of the running average: it looks back over about the last hundred pictures.
pub(super) const DECAY: f32 = 0.99;

/// What Adam remembers from one update to the next.
#[derive(Debug)]
pub struct Adam {
    /// beta1^t, beta2^t and the average's decay^t after t updates.
    pub powers: Tensor,
    /// Running mean of the gradient, of the variable's shape.
    pub mean: Tensor,
    /// Running mean of the gradient's square, of the variable's shape.
    pub square: Tensor,
    /// Exponential mean of the pictures, if it is kept.
    pub average: Option<Tensor>,
}

/// Records one update; with `average`, of the running average as well.
pub(super) fn record(
    update: &mut Recording,
    problem: &Problem,
    guard: &Guard,
    lr: f32,
    average: bool,
) -> Result<Adam> {
    let gpu = update.gpu().clone();
    let shape = problem.x.shape();
    let zeros = vec![0.0; shape.len()];
    let powers = gpu.upload(Shape::planar(1, 1, 3), &[1.0; 3], Use::Optimizer, "powers of beta")?;
    let mean = gpu.upload(shape, &zeros, Use::Optimizer, "mean of the gradient")?;
    let square = gpu.upload(shape, &zeros, Use::Optimizer, "mean square of the gradient")?;
    let schedule = gpu.kernel(&SCHEDULE, &[])?;
    update
        .launch(&schedule, "adam")
        .bind("state", guard.state())
        .bind("powers", &powers)
        .set("beta1", BETA1)
        .set("beta2", BETA2)
        .set("decay", DECAY)
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
    let mut adam = Adam { powers, mean, square, average: None };
    if average {
        let average = gpu.upload(shape, &zeros, Use::Optimizer, "average picture")?;
        let kernel = gpu.kernel(&AVERAGE, &[])?;
        update
            .launch(&kernel, "adam")
            .bind("state", guard.state())
            .bind("powers", &adam.powers)
            .bind("x", &problem.x)
            .bind("average", &average)
            .set("decay", DECAY)
            .elements(shape.vectors())?;
        adam.average = Some(average);
    }
    Ok(adam)
}

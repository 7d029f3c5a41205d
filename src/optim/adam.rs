//! Adam (Kingma & Ba 2015, arXiv:1412.6980).

use super::state::names;
use super::step_rules::{AVERAGE_DECAY, BETA1, BETA2, EPSILON};
use super::{Guard, Problem};
use crate::error::Result;
use crate::gpu::{Gpu, Recording, Shader, Shape, Tensor, Use, shader};

pub(super) const SHADERS: [Shader; 3] = [SCHEDULE, STEP, AVERAGE];
const SCHEDULE: Shader = shader!("adam/schedule");
const STEP: Shader = shader!("adam/step");
const AVERAGE: Shader = shader!("adam/average");

/// Powers of the decay factors after t updates. A running mean divided by 1 minus its power is unbiased.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Powers {
    /// Of the mean of the gradient.
    pub beta1: f32,
    /// Of the mean of the gradient's square.
    pub beta2: f32,
    /// Of the average of the images.
    pub average: f32,
}

impl Powers {
    /// Before the first update.
    pub const START: Self = Self { beta1: 1.0, beta2: 1.0, average: 1.0 };

    /// After one more update.
    pub(super) fn next(self) -> Self {
        Self { beta1: self.beta1 * BETA1, beta2: self.beta2 * BETA2, average: self.average * AVERAGE_DECAY }
    }

    pub(super) fn to_array(self) -> [f32; 3] {
        [self.beta1, self.beta2, self.average]
    }

    pub(super) fn from_array([beta1, beta2, average]: [f32; 3]) -> Self {
        Self { beta1, beta2, average }
    }
}

/// Adam's running means in the host's memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// How many updates are in the means.
    pub powers: Powers,
    /// Running mean of the gradient, of the variable's length.
    pub mean: Vec<f32>,
    /// Running mean of the gradient's square, of the variable's length.
    pub square: Vec<f32>,
}

/// Adam's state on the device.
#[derive(Debug)]
pub(super) struct Adam {
    /// [`Powers`], as three numbers.
    powers: Tensor,
    mean: Tensor,
    square: Tensor,
    /// Exponential mean of the images, if it is kept.
    pub average: Option<Tensor>,
}

impl Adam {
    /// The running means after everything submitted.
    pub fn read(&self, gpu: &Gpu) -> Result<Moments> {
        let powers = gpu.read(&self.powers)?;
        Ok(Moments {
            powers: Powers::from_array([powers[0], powers[1], powers[2]]),
            mean: gpu.read(&self.mean)?,
            square: gpu.read(&self.square)?,
        })
    }

    /// Overwrites the running means.
    pub fn write(&self, gpu: &Gpu, moments: &Moments) {
        gpu.write(&self.powers, &moments.powers.to_array());
        gpu.write(&self.mean, &moments.mean);
        gpu.write(&self.square, &moments.square);
    }

    /// Every tensor of the state, with its name.
    pub fn tensors(&self) -> impl Iterator<Item = (&'static str, &Tensor)> {
        let means = [
            (names::ADAM_POWERS, &self.powers),
            (names::ADAM_MEAN, &self.mean),
            (names::ADAM_SQUARE, &self.square),
        ];
        means.into_iter().chain(self.average.iter().map(|average| (names::ADAM_AVERAGE, average)))
    }
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
    let powers =
        gpu.upload(Shape::planar(1, 1, 3), &Powers::START.to_array(), Use::Optimizer, names::ADAM_POWERS)?;
    let mean = gpu.upload(shape, &zeros, Use::Optimizer, names::ADAM_MEAN)?;
    let square = gpu.upload(shape, &zeros, Use::Optimizer, names::ADAM_SQUARE)?;
    let schedule = gpu.kernel(&SCHEDULE, &[])?;
    update
        .launch(&schedule, "adam")
        .bind("guard", guard.state())
        .bind("powers", &powers)
        .set("beta1", BETA1)
        .set("beta2", BETA2)
        .set("decay", AVERAGE_DECAY)
        .groups([1, 1, 1])?;
    let step = gpu.kernel(&STEP, &[])?;
    update
        .launch(&step, "adam")
        .bind("guard", guard.state())
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
        let average = gpu.upload(shape, &zeros, Use::Optimizer, "average image")?;
        let kernel = gpu.kernel(&AVERAGE, &[])?;
        update
            .launch(&kernel, "adam")
            .bind("guard", guard.state())
            .bind("powers", &adam.powers)
            .bind("x", &problem.x)
            .bind("average", &average)
            .set("decay", AVERAGE_DECAY)
            .elements(shape.vectors())?;
        adam.average = Some(average);
    }
    Ok(adam)
}

//! A copy of the image whose loss diverged last, to find the cause.

use super::step_rules::DIVERGENCE_FACTOR;
use super::{Guard, Problem};
use crate::error::Result;
use crate::gpu::{Gpu, PassKind, Recording, Shader, Tensor, Use, shader};

pub(super) const SHADERS: [Shader; 1] = [SUSPECT];
const SUSPECT: Shader = shader!("guard/suspect");

/// Keeps a copy of the image that the [`Guard`] is about to replace by the best one. It takes the memory of one
/// image, so it is optional.
#[derive(Debug)]
pub struct Suspect {
    /// To be submitted after an evaluation and before its update.
    pub recording: Recording,
    x: Tensor,
}

impl Suspect {
    /// Allocates the copy and records the kernel.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) or [`Error::TooLarge`](crate::Error::TooLarge) when memory runs out.
    pub fn new(gpu: &Gpu, problem: &Problem, guard: &Guard) -> Result<Self> {
        let shape = problem.x.shape();
        let x = gpu.upload(shape, &vec![0.0; shape.len()], Use::Optimizer, "suspect image")?;
        let mut recording = Recording::of_pass(gpu, PassKind::Update);
        let kernel = gpu.kernel(&SUSPECT, &[])?;
        recording
            .launch(&kernel, "guard")
            .bind("loss", &problem.loss)
            .bind("guard", guard.state())
            .bind("x", &problem.x)
            .bind("suspect", &x)
            .set("divergence_factor", DIVERGENCE_FACTOR)
            .elements(shape.vectors())?;
        Ok(Self { recording, x })
    }

    /// The copy, of the shape of x; zeros if no loss has diverged.
    pub fn x(&self) -> &Tensor {
        &self.x
    }
}

//! The last picture whose loss was not finite or ran away, for those who look for the reason.

use super::{Guard, Problem};
use crate::error::Result;
use crate::gpu::{Gpu, Recording, Shader, Tensor, Use, shader};

pub(super) const SHADERS: [Shader; 1] = [SUSPECT];
const SUSPECT: Shader = shader!("guard/suspect");

/// Keeps the picture that the [`Guard`] is about to replace by the best one. It takes memory for a picture,
/// so it is only there where somebody asks.
#[derive(Debug)]
pub struct Suspect {
    /// To be submitted after an evaluation and before its update.
    pub recording: Recording,
    x: Tensor,
}

impl Suspect {
    /// Allocates the picture and records the kernel.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) or [`Error::TooLarge`](crate::Error::TooLarge) when memory runs out.
    pub fn new(gpu: &Gpu, problem: &Problem, guard: &Guard) -> Result<Self> {
        let shape = problem.x.shape();
        let x = gpu.upload(shape, &vec![0.0; shape.len()], Use::Optimizer, "suspect picture")?;
        let mut recording = Recording::named(gpu, "update");
        let kernel = gpu.kernel(&SUSPECT, &[])?;
        recording
            .launch(&kernel, "guard")
            .bind("loss", &problem.loss)
            .bind("state", guard.state())
            .bind("x", &problem.x)
            .bind("suspect", &x)
            .set("growth", Guard::GROWTH)
            .elements(shape.vectors())?;
        Ok(Self { recording, x })
    }

    /// The picture; zeros if no loss ever ran away.
    pub fn x(&self) -> &Tensor {
        &self.x
    }
}

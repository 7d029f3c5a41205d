//! Features times a mask: what is asked of one region of the picture only.

use super::case::{AWKWARD, Case, numbers, to_f32};
use crate::error::Result;
use crate::gpu::{Recording, Shader, Shape, Tensor, Use, shader};
use crate::graph::{Backward, Forward, Op, Reads};

pub(super) const SHADERS: [Shader; 1] = [shader!("mask/multiply")];

/// `mask[p] * x[c][p]`: blocked features to features of the same shape.
#[derive(Debug)]
pub struct Mask {
    weights: Tensor,
}

impl Mask {
    /// A mask of shape `[1, h, w]`, planar, for features of `h` x `w` positions.
    pub fn new(weights: Tensor) -> Self {
        Self { weights }
    }

    fn record(
        &self,
        recording: &mut Recording,
        label: &str,
        src: &Tensor,
        dst: &Tensor,
        overrides: &[(&str, f64)],
    ) -> Result<()> {
        let kernel = recording.gpu().kernel(&SHADERS[0], overrides)?;
        recording
            .launch(&kernel, label)
            .bind("src", src)
            .bind("weights", &self.weights)
            .bind("dst", dst)
            .set("positions", src.shape().positions())
            .elements(dst.shape().vectors())
    }
}

impl Op for Mask {
    fn name(&self) -> &'static str {
        "mask"
    }

    fn output(&self, inputs: &[Shape]) -> Shape {
        debug_assert_eq!(inputs[0].positions(), self.weights.shape().positions());
        inputs[0]
    }

    fn backward_reads(&self) -> Reads {
        Reads::default()
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        self.record(recording, io.label, io.inputs[0], io.output, &[])
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        self.record(recording, io.label, io.d_output, &d_input.tensor, &d_input.overrides())
    }
}

pub(super) fn cases() -> Vec<Case> {
    AWKWARD.iter().flat_map(|(h, w)| [case(5, *h, *w), case(64, *h, *w)]).collect()
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    case(draw(1, 12), draw(1, 50), draw(1, 50))
}

fn case(channels: u32, height: u32, width: u32) -> Case {
    let shape = Shape::blocked(channels, height, width);
    let mask = numbers(33, shape.positions() as usize);
    let (forward, backward) = (mask.clone(), mask.clone());
    let product = |x: &[f64], mask: &[f64]| -> Vec<f64> {
        x.iter().enumerate().map(|(i, x)| x * mask[i % mask.len()]).collect()
    };
    Case {
        label: format!("mask {shape}"),
        inputs: vec![shape],
        build: Box::new(move |gpu| {
            let plane = Shape::planar(1, height, width);
            let weights = gpu.upload(plane, &to_f32(&mask), Use::Targets, "mask")?;
            Ok(Some(Box::new(Mask::new(weights))))
        }),
        reference: Box::new(move |x| product(&x[0], &forward)),
        reference_backward: Box::new(move |_, d| vec![product(d, &backward)]),
        tolerance: 1e-6,
    }
}

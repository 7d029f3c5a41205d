//! Scales gradients to a given L1 norm: the gradient normalisation of neural-style.

use super::case::{AWKWARD, Array, Case, any_shape};
use super::reduce::{SUM, partial_groups, partials_shape, record_sum};
use crate::error::Result;
use crate::gpu::{Precision, Recording, ScratchSize, Shader, Shape, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static NORM: Shader = shader!("l1_gradient/norm");
static SCALE: Shader = shader!("l1_gradient/scale");

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&NORM, &SUM, &SCALE]
}

/// The identity, on any layout, with another backward pass: the gradient `d` becomes `strength * d / (sum |d| + floor)`.
/// This is the derivative of no function. It makes the strength of a loss term independent of the size of the loss.
#[derive(Debug, Clone, Copy)]
pub struct L1Gradient {
    /// L1 norm of the gradient of the input.
    pub strength: f32,
    /// Above 0: a gradient far smaller than this stays small.
    pub floor: f32,
}

impl Op for L1Gradient {
    fn name(&self) -> &'static str {
        "l1_gradient"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        inputs[0]
    }

    fn backward_reads(&self) -> Reads {
        Reads::default()
    }

    fn scratch(&self, inputs: &[Shape]) -> ScratchSize {
        let buffers = vec![partials_shape(partial_groups(inputs[0].vectors())), Shape::scalar()];
        ScratchSize { buffers, textures: vec![] }
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        recording.copy(io.inputs[0], io.output);
        Ok(())
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        let (partials, norm) = (&io.scratch.buffers[0], &io.scratch.buffers[1]);
        let shape = io.d_output.shape();
        let groups = partial_groups(shape.vectors());
        let kernel = recording.gpu().kernel(&NORM, &[])?;
        recording
            .launch(&kernel, io.label)
            .bind("d_dst", io.d_output)
            .bind("partials", partials)
            .flops_each(1, shape.len())
            .groups([groups, 1, 1])?;
        record_sum(recording, io.label, partials, groups, 1.0, norm)?;
        let kernel = recording.gpu().kernel(&SCALE, &d_input.overrides())?;
        recording
            .launch(&kernel, io.label)
            .bind("d_dst", io.d_output)
            .bind("norm", norm)
            .bind("d_src", &d_input.tensor)
            .set("strength", self.strength)
            .set("floor", self.floor)
            .flops_each(1, shape.len())
            .elements(shape.vectors())
    }
}

pub(super) fn cases() -> Vec<Case> {
    let sizes = AWKWARD.iter().chain(&[(131, 127)]);
    let shapes = sizes.flat_map(|(h, w)| [Shape::blocked(6, *h, *w), Shape::planar(3, *h, *w)]);
    shapes.map(|shape| case(shape, 3.5)).chain([case(Shape::blocked(6, 7, 13), 20.0).in_f16()]).collect()
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    case(any_shape(draw), draw(1, 40) as f32 / 8.0)
}

fn case(shape: Shape, strength: f32) -> Case {
    let floor = 0.25;
    Case {
        label: format!("l1_gradient {shape} {:?} to {strength}", shape.layout),
        rung: "l1_gradient",
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![shape],
        build: Box::new(move |_| Ok(Some(Box::new(L1Gradient { strength, floor })))),
        reference: Box::new(|x| x[0].clone()),
        reference_backward: Box::new(move |_, d| {
            let norm = d.iter().map(|d| d.abs()).sum::<f64>();
            let scaled: Array =
                d.iter().map(|d| f64::from(strength) * d / (norm + f64::from(floor))).collect();
            vec![scaled]
        }),
        tolerance: 1e-5,
    }
}

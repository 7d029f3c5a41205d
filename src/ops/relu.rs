//! ReLU as an operation of its own; [`Conv`](super::Conv) has it fused.

use super::case::{AWKWARD, Case, any_shape};
use crate::error::Result;
use crate::gpu::{Precision, Recording, Shader, Shape, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static FORWARD: Shader = shader!("relu/forward");
static BACKWARD: Shader = shader!("relu/backward");

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&FORWARD, &BACKWARD]
}

/// `max(x, 0)`, elementwise, on any layout.
#[derive(Debug)]
pub struct Relu;

impl Op for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        inputs[0]
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: false, output: true }
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let kernel = recording.gpu().kernel(&FORWARD, &[])?;
        let launch = recording.launch(&kernel, io.label).bind("src", io.inputs[0]).bind("dst", io.output);
        launch.flops_each(1, io.output.shape().len()).elements(io.output.shape().vectors())
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        let kernel = recording.gpu().kernel(&BACKWARD, &d_input.overrides())?;
        let shape = io.d_output.shape();
        recording
            .launch(&kernel, io.label)
            .bind("dst", io.output()?)
            .bind("d_dst", io.d_output)
            .bind("d_src", &d_input.tensor)
            .flops_each(1, shape.len())
            .elements(shape.vectors())
    }
}

pub(super) fn cases() -> Vec<Case> {
    let shapes = AWKWARD.iter().flat_map(|(h, w)| [Shape::blocked(5, *h, *w), Shape::planar(3, *h, *w)]);
    shapes.map(case).collect()
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    case(any_shape(draw))
}

fn case(shape: Shape) -> Case {
    Case {
        label: format!("relu {shape} {:?}", shape.layout),
        rung: "relu",
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![shape],
        build: Box::new(|_| Ok(Some(Box::new(Relu)))),
        reference: Box::new(|x| x[0].iter().map(|v| v.max(0.0)).collect()),
        reference_backward: Box::new(|x, d| {
            vec![x[0].iter().zip(d).map(|(v, d)| if *v > 0.0 { *d } else { 0.0 }).collect()]
        }),
        tolerance: 1e-7,
    }
}

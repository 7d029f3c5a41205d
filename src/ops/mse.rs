//! Mean squared error against a constant target.

use super::case::{AWKWARD, Case, any_shape};
use super::reduce::{SUM, partial_groups, partials_shape, record_sum};
use crate::error::Result;
use crate::gpu::{Precision, Recording, ScratchSize, Shader, Shape, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static FORWARD: Shader = shader!("mse/forward");
static BACKWARD: Shader = shader!("mse/backward");

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&FORWARD, &BACKWARD, &SUM]
}

/// `mean((x - target)^2)`: two tensors of one shape, of any layout, to one number. The second is a constant.
#[derive(Debug, Clone, Copy)]
pub struct Mse;

impl Op for Mse {
    fn name(&self) -> &'static str {
        "mse"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        debug_assert_eq!(inputs[0], inputs[1]);
        Shape::scalar()
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn differentiable(&self, input: usize) -> bool {
        input == 0
    }

    fn scratch(&self, inputs: &[Shape]) -> ScratchSize {
        let buffers = vec![partials_shape(partial_groups(inputs[0].vectors()))];
        ScratchSize { buffers, textures: vec![] }
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let (src, partials) = (io.inputs[0], &io.scratch.buffers[0]);
        let groups = partial_groups(src.shape().vectors());
        let kernel = recording.gpu().kernel(&FORWARD, &[])?;
        recording
            .launch(&kernel, io.label)
            .bind("src", src)
            .bind("target_values", io.inputs[1])
            .bind("partials", partials)
            .flops_each(3, src.shape().len())
            .groups([groups, 1, 1])?;
        record_sum(recording, io.label, partials, groups, 1.0 / src.shape().len() as f32, io.output)
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        let shape = d_input.tensor.shape();
        let kernel = recording.gpu().kernel(&BACKWARD, &d_input.overrides())?;
        recording
            .launch(&kernel, io.label)
            .bind("src", io.input(0)?)
            .bind("target_values", io.input(1)?)
            .bind("d_loss", io.d_output)
            .bind("d_src", &d_input.tensor)
            .set("scale", 2.0 / shape.len() as f32)
            .flops_each(2, shape.len())
            .elements(shape.vectors())
    }
}

pub(super) fn cases() -> Vec<Case> {
    let sizes = AWKWARD.iter().chain(&[(131, 127)]);
    let shapes = sizes.flat_map(|(h, w)| [Shape::blocked(6, *h, *w), Shape::planar(3, *h, *w)]);
    shapes.map(case).chain([case(Shape::blocked(6, 7, 13)).in_f16()]).collect()
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    case(any_shape(draw))
}

fn case(shape: Shape) -> Case {
    let n = shape.len() as f64;
    Case {
        label: format!("mse {shape} {:?}", shape.layout),
        rung: "mse",
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![shape; 2],
        build: Box::new(|_| Ok(Some(Box::new(Mse)))),
        reference: Box::new(move |x| {
            vec![x[0].iter().zip(&x[1]).map(|(x, t)| (x - t).powi(2)).sum::<f64>() / n]
        }),
        reference_backward: Box::new(move |x, d| {
            let pull =
                |sign: f64| x[0].iter().zip(&x[1]).map(|(x, t)| sign * d[0] * 2.0 / n * (x - t)).collect();
            vec![pull(1.0), pull(-1.0)]
        }),
        tolerance: 1e-5,
    }
}

//! Total variation of an image: squared differences between neighbours.

use super::case::{AWKWARD, Array, Case};
use super::reduce::{SUM, partial_groups, partials_shape, record_sum};
use crate::error::Result;
use crate::gpu::{Precision, Recording, ScratchSize, Shader, Shape, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static FORWARD: Shader = shader!("tv/forward");
static BACKWARD: Shader = shader!("tv/backward");

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&FORWARD, &BACKWARD, &SUM]
}

/// Sum of squared differences between horizontal and vertical neighbours over the number of
/// numbers: a planar image to one number.
#[derive(Debug)]
pub struct TotalVariation;

impl Op for TotalVariation {
    fn name(&self) -> &'static str {
        "tv"
    }

    fn output_shape(&self, _inputs: &[Shape]) -> Shape {
        Shape::scalar()
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: true, output: false }
    }

    fn scratch(&self, inputs: &[Shape]) -> ScratchSize {
        let buffers = vec![partials_shape(partial_groups(inputs[0].len() as u64))];
        ScratchSize { buffers, textures: vec![] }
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let (src, partials) = (io.inputs[0], &io.scratch.buffers[0]);
        let shape = src.shape();
        let groups = partial_groups(shape.len() as u64);
        let kernel = recording.gpu().kernel(&FORWARD, &[])?;
        recording
            .launch(&kernel, io.label)
            .bind("src", src)
            .bind("partials", partials)
            .set("channels", shape.channels)
            .set("height", shape.height)
            .set("width", shape.width)
            .flops_each(6, shape.len())
            .groups([groups, 1, 1])?;
        record_sum(recording, io.label, partials, groups, 1.0 / shape.len() as f32, io.output)
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        let shape = d_input.tensor.shape();
        let kernel = recording.gpu().kernel(&BACKWARD, &d_input.overrides())?;
        recording
            .launch(&kernel, io.label)
            .bind("src", io.input(0)?)
            .bind("d_loss", io.d_output)
            .bind("d_src", &d_input.tensor)
            .set("channels", shape.channels)
            .set("height", shape.height)
            .set("width", shape.width)
            .set("scale", 2.0 / shape.len() as f32)
            .flops_each(9, shape.len())
            .elements(shape.vectors() * 4)
    }
}

/// Calls `f(i, j)` for every pair of neighbours.
fn neighbours([c, h, w]: [usize; 3], mut f: impl FnMut(usize, usize)) {
    for i in 0..c * h * w {
        if i % w + 1 < w {
            f(i, i + 1);
        }
        if i / w % h + 1 < h {
            f(i, i + w);
        }
    }
}

fn reference(x: &[f64], dims: [usize; 3]) -> Array {
    let mut sum = 0.0;
    neighbours(dims, |i, j| sum += (x[i] - x[j]).powi(2));
    vec![sum / x.len() as f64]
}

fn reference_backward(x: &[f64], d: &[f64], dims: [usize; 3]) -> Vec<Array> {
    let mut d_x = vec![0.0; x.len()];
    neighbours(dims, |i, j| {
        let pull = d[0] * 2.0 / x.len() as f64 * (x[i] - x[j]);
        d_x[i] += pull;
        d_x[j] -= pull;
    });
    vec![d_x]
}

pub(super) fn cases() -> Vec<Case> {
    let sizes = AWKWARD.into_iter().chain([(131, 127), (1, 9), (2, 2), (31, 4), (64, 64), (3, 200)]);
    sizes.map(case).collect()
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    case((draw(1, 90), draw(1, 90)))
}

fn case((h, w): (u32, u32)) -> Case {
    let dims = [3, h as usize, w as usize];
    Case {
        label: format!("tv 3x{h}x{w}"),
        rung: "tv",
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![Shape::planar(3, h, w)],
        build: Box::new(|_| Ok(Some(Box::new(TotalVariation)))),
        reference: Box::new(move |x| reference(&x[0], dims)),
        reference_backward: Box::new(move |x, d| reference_backward(&x[0], d, dims)),
        tolerance: 1e-5,
    }
}

//! Features times a mask, so that a loss term applies to one region of the image only.

use super::case::{AWKWARD, Array, Case, F16_TOLERANCE};
use crate::error::Result;
use crate::gpu::{Precision, Recording, Shader, Shape, Tensor, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static MULTIPLY: Shader = shader!("mask/multiply");

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&MULTIPLY]
}

/// `mask[p] * x[c][p]`: blocked features `[c, h, w]` and a planar mask `[1, h, w]` to features. The mask is a
/// constant.
#[derive(Debug, Clone, Copy)]
pub struct Mask;

fn record(
    recording: &mut Recording,
    label: &str,
    [src, mask, dst]: [&Tensor; 3],
    overrides: &[(&str, f64)],
) -> Result<()> {
    let kernel = recording.gpu().kernel(&MULTIPLY, overrides)?;
    recording
        .launch(&kernel, label)
        .bind("src", src)
        .bind("weights", mask)
        .bind("dst", dst)
        .set("positions", src.shape().positions())
        .elements(dst.shape().vectors())
}

impl Op for Mask {
    fn name(&self) -> &'static str {
        "mask"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        debug_assert_eq!(inputs[0].positions(), inputs[1].positions());
        inputs[0]
    }

    // The mask alone, which is a leaf and stays anyway.
    fn backward_reads(&self) -> Reads {
        Reads::default()
    }

    fn differentiable(&self, input: usize) -> bool {
        input == 0
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        record(recording, io.label, [io.inputs[0], io.inputs[1], io.output], &[])
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        record(recording, io.label, [io.d_output, io.input(1)?, &d_input.tensor], &d_input.overrides())
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> =
        AWKWARD.iter().flat_map(|(h, w)| [case(5, *h, *w), case(64, *h, *w)]).collect();
    // Features are stored in f16, masks are not.
    let Case { label, inputs, .. } = case(5, 7, 13);
    let [features, mask] = [inputs[0].stored_in(Precision::F16), inputs[1]];
    cases.push(Case {
        label: format!("{label}, f16"),
        precision: Precision::F16,
        inputs: vec![features, mask],
        tolerance: F16_TOLERANCE,
        ..case(5, 7, 13)
    });
    cases
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    case(draw(1, 12), draw(1, 50), draw(1, 50))
}

fn case(channels: u32, height: u32, width: u32) -> Case {
    let shape = Shape::blocked(channels, height, width);
    let product = |x: &[f64], mask: &[f64]| -> Array {
        x.iter().enumerate().map(|(i, x)| x * mask[i % mask.len()]).collect()
    };
    Case {
        label: format!("mask {shape}"),
        rung: "mask",
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![shape, Shape::planar(1, height, width)],
        build: Box::new(|_| Ok(Some(Box::new(Mask)))),
        reference: Box::new(move |x| product(&x[0], &x[1])),
        reference_backward: Box::new(move |x, d| {
            let positions = x[1].len();
            let mut d_mask = vec![0.0; positions];
            x[0].iter().zip(d).enumerate().for_each(|(i, (x, d))| d_mask[i % positions] += x * d);
            vec![product(d, &x[1]), d_mask]
        }),
        tolerance: 1e-6,
    }
}

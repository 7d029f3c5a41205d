//! Normalisation: the image as it is optimised to the input of the network.

use super::case::{AWKWARD, Array, Case, F16_TOLERANCE};
use crate::error::Result;
use crate::gpu::{Precision, Recording, Shader, Shape, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static FORWARD: Shader = shader!("normalize/forward");
static BACKWARD: Shader = shader!("normalize/backward");

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&FORWARD, &BACKWARD]
}

/// `out[k] = scale[k] * x[channel(k)] + offset[k]`: a planar image of 3 channels to blocked.
///
/// x is B, G, R in 0..255 minus the ImageNet mean; the network's first channel is x's first, or its
/// last if `reversed`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalize {
    /// The network takes R, G, B.
    pub reversed: bool,
    /// By the network's channels.
    pub scale: [f32; 3],
    /// By the network's channels.
    pub offset: [f32; 3],
    /// How the result, and so all that is computed from it, is stored.
    pub precision: Precision,
}

impl Normalize {
    /// x as it is, for networks in the original (Caffe) convention.
    pub const IDENTITY: Self =
        Self { reversed: false, scale: [1.0; 3], offset: [0.0; 3], precision: Precision::F32 };
}

impl Op for Normalize {
    fn name(&self) -> &'static str {
        "normalize"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        Shape::blocked(3, inputs[0].height, inputs[0].width).stored_in(self.precision)
    }

    fn backward_reads(&self) -> Reads {
        Reads::default()
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let positions = io.output.shape().positions();
        let kernel = recording.gpu().kernel(&FORWARD, &[])?;
        recording
            .launch(&kernel, io.label)
            .bind("src", io.inputs[0])
            .bind("dst", io.output)
            .set("positions", positions)
            .set("reversed", u32::from(self.reversed))
            .set("scale0", self.scale[0])
            .set("scale1", self.scale[1])
            .set("scale2", self.scale[2])
            .set("offset0", self.offset[0])
            .set("offset1", self.offset[1])
            .set("offset2", self.offset[2])
            .flops_each(2, io.output.shape().len())
            .elements(u64::from(positions))
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        let shape = d_input.tensor.shape();
        let kernel = recording.gpu().kernel(&BACKWARD, &d_input.overrides())?;
        recording
            .launch(&kernel, io.label)
            .bind("d_dst", io.d_output)
            .bind("d_src", &d_input.tensor)
            .set("positions", shape.positions())
            .set("reversed", u32::from(self.reversed))
            .set("scale0", self.scale[0])
            .set("scale1", self.scale[1])
            .set("scale2", self.scale[2])
            .flops_each(1, shape.len())
            .elements(shape.vectors() * 4)
    }
}

fn reference(op: Normalize, x: &[f64]) -> Array {
    let n = x.len() / 3;
    let channel = |k: usize| if op.reversed { 2 - k } else { k };
    (0..3)
        .flat_map(|k| {
            (0..n).map(move |p| f64::from(op.scale[k]) * x[channel(k) * n + p] + f64::from(op.offset[k]))
        })
        .collect()
}

fn reference_backward(op: Normalize, d: &[f64]) -> Vec<Array> {
    let no_offset = Normalize { offset: [0.0; 3], ..op };
    if !op.reversed {
        return vec![reference(no_offset, d)];
    }
    // Reversing is its own inverse; the scales go by the network's channels.
    let scale = [op.scale[2], op.scale[1], op.scale[0]];
    vec![reference(Normalize { scale, ..no_offset }, d)]
}

pub(super) fn cases() -> Vec<Case> {
    let other =
        Normalize { reversed: true, scale: [0.5, 2.0, 3.0], offset: [0.1, -0.2, 0.3], ..Normalize::IDENTITY };
    let half = Normalize { precision: Precision::F16, ..other };
    let ops = [Normalize::IDENTITY, other, half];
    let all = AWKWARD.into_iter().chain([(31, 33)]).flat_map(|size| ops.map(|op| (size, op)));
    all.map(|(size, op)| case(size, op)).collect()
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    let mut scale = || draw(1, 9) as f32 / 4.0;
    let op =
        Normalize { scale: [scale(), scale(), scale()], offset: [0.5, -0.25, 1.0], ..Normalize::IDENTITY };
    case((draw(1, 60), draw(1, 60)), Normalize { reversed: draw(0, 1) == 1, ..op })
}

fn case((h, w): (u32, u32), op: Normalize) -> Case {
    Case {
        label: format!("normalize 3x{h}x{w} reversed {}, {:?}", op.reversed, op.precision),
        rung: "normalize",
        precision: op.precision,
        magnitude: 1.0,
        inputs: vec![Shape::planar(3, h, w)],
        build: Box::new(move |_| Ok(Some(Box::new(op)))),
        reference: Box::new(move |x| reference(op, &x[0])),
        reference_backward: Box::new(move |_, d| reference_backward(op, d)),
        tolerance: if op.precision == Precision::F16 { F16_TOLERANCE } else { 1e-6 },
    }
}

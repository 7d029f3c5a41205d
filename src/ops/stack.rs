//! Bands of feature maps on top of each other: what belongs together again after a block that went in bands.

use super::Crop;
use super::case::{Array, Case};
use crate::error::Result;
use crate::gpu::{Precision, Recording, Shader, Shape, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static FORWARD: Shader = shader!("stack/forward");

/// Every kernel that it may launch; its backward pass is that of a crop, forward.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&FORWARD]
}

/// Blocked features `[c, h_1, w]`, `[c, h_2, w]` .. to `[c, h_1 + h_2 + .., w]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stack;

/// The first row of each band, from their heights.
fn tops(heights: impl Iterator<Item = u32>) -> impl Iterator<Item = u32> {
    heights.scan(0, |top, height| Some(std::mem::replace(top, *top + height)))
}

impl Op for Stack {
    fn name(&self) -> &'static str {
        "stack"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        debug_assert!(inputs.iter().all(|band| Shape { height: inputs[0].height, ..*band } == inputs[0]));
        Shape { height: inputs.iter().map(|band| band.height).sum(), ..inputs[0] }
    }

    fn backward_reads(&self) -> Reads {
        Reads::default()
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let heights = io.inputs.iter().map(|band| band.shape().height);
        for (band, top) in io.inputs.iter().zip(tops(heights)) {
            let Shape { height, width, .. } = band.shape();
            let kernel = recording.gpu().kernel(&FORWARD, &[])?;
            recording
                .launch(&kernel, io.label)
                .bind("src", band)
                .bind("dst", io.output)
                .set("height", height)
                .set("width", width)
                .set("top", top)
                .set("dst_height", io.output.shape().height)
                // Its rows of the stack, and not all of it.
                .bytes(2.0 * band.shape().bytes() as f64)
                .invocations([width, height, band.shape().channel_blocks()])?;
        }
        Ok(())
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let heights = io.input_shapes.iter().map(|band| band.height);
        for (d_input, top) in io.d_inputs.iter().zip(tops(heights)) {
            let Some(d_input) = d_input else { continue };
            let Shape { height, width, .. } = d_input.tensor.shape();
            let rows = Crop { top, left: 0, height, width };
            rows.record(recording, io.label, [io.d_output, &d_input.tensor], &d_input.overrides())?;
        }
        Ok(())
    }
}

pub(super) fn cases() -> Vec<Case> {
    let all: [(u32, &[u32], u32); 12] = [
        (1, &[1], 1),
        (3, &[1, 1], 1),
        (4, &[5], 3),
        (5, &[2, 7], 13),
        (64, &[4, 4, 3], 7),
        (17, &[1, 6, 2], 65),
        (6, &[17, 8], 1),
        (20, &[8, 8], 16),
        (8, &[32, 1], 31),
        (2, &[2, 2, 2, 2, 1], 41),
        (9, &[3, 29], 31),
        (12, &[10, 12, 1], 19),
    ];
    let mut cases: Vec<Case> = all.into_iter().map(|(c, heights, w)| case(c, heights.to_vec(), w)).collect();
    cases.push(case(5, vec![2, 7], 13).in_f16());
    cases
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    let bands = draw(1, 5);
    let heights = (0..bands).map(|_| draw(1, 20)).collect();
    case(draw(1, 12), heights, draw(1, 40))
}

fn case(channels: u32, heights: Vec<u32>, width: u32) -> Case {
    let (c, rows) = (channels as usize, heights.iter().sum::<u32>() as usize);
    let sizes: Vec<usize> = heights.iter().map(|height| (*height * width) as usize).collect();
    let back = sizes.clone();
    Case {
        label: format!("stack {channels}x{heights:?}x{width}"),
        rung: "stack",
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: heights.into_iter().map(|height| Shape::blocked(channels, height, width)).collect(),
        build: Box::new(|_| Ok(Some(Box::new(Stack)))),
        reference: Box::new(move |x| {
            let of_map = |map: usize| {
                x.iter().zip(&sizes).flat_map(move |(band, size)| &band[map * size..(map + 1) * size])
            };
            (0..c).flat_map(of_map).copied().collect()
        }),
        reference_backward: Box::new(move |_, d| {
            let map = rows * width as usize;
            let mut top = 0;
            let bands = back.iter().map(|size| {
                let start = top;
                top += size;
                (0..c).flat_map(|k| &d[k * map + start..k * map + start + size]).copied().collect::<Array>()
            });
            bands.collect()
        }),
        tolerance: 1e-6,
    }
}

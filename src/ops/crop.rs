//! A rectangle cut out of feature maps: what is a tile's own, without its margin.

use super::case::{Array, Case};
use crate::error::Result;
use crate::gpu::{Launch, Precision, Recording, Shader, Shape, Tensor, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static FORWARD: Shader = shader!("crop/forward");
static BACKWARD: Shader = shader!("crop/backward");

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&FORWARD, &BACKWARD]
}

/// Blocked features `[c, h, w]` to `[c, height, width]`: rows from `top` on, columns from `left` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crop {
    /// First row.
    pub top: u32,
    /// First column.
    pub left: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl Crop {
    fn launch<'a>(
        &self,
        recording: &'a mut Recording,
        label: &'a str,
        src: Shape,
        (shader, overrides): (&Shader, &[(&str, f64)]),
    ) -> Result<Launch<'a>> {
        let kernel = recording.gpu().kernel(shader, overrides)?;
        let launch = recording.launch(&kernel, label).set("height", src.height).set("width", src.width);
        let launch = launch.set("top", self.top).set("left", self.left);
        Ok(launch.set("dst_height", self.height).set("dst_width", self.width))
    }

    /// Records `dst = the rectangle of src`, or with `ACCUMULATE` among the overrides `dst += `.
    pub(super) fn record(
        &self,
        recording: &mut Recording,
        label: &str,
        [src, dst]: [&Tensor; 2],
        overrides: &[(&str, f64)],
    ) -> Result<()> {
        self.launch(recording, label, src.shape(), (&FORWARD, overrides))?
            .bind("src", src)
            .bind("dst", dst)
            .bytes(2.0 * dst.shape().bytes() as f64)
            .invocations([self.width, self.height, dst.shape().channel_blocks()])
    }
}

impl Op for Crop {
    fn name(&self) -> &'static str {
        "crop"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        debug_assert!(
            self.top + self.height <= inputs[0].height && self.left + self.width <= inputs[0].width
        );
        Shape { height: self.height, width: self.width, ..inputs[0] }
    }

    fn backward_reads(&self) -> Reads {
        Reads::default()
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        self.record(recording, io.label, [io.inputs[0], io.output], &[])
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        let src = d_input.tensor.shape();
        self.launch(recording, io.label, src, (&BACKWARD, &d_input.overrides()))?
            .bind("d_dst", io.d_output)
            .bind("d_src", &d_input.tensor)
            .invocations([src.width, src.height, src.channel_blocks()])
    }
}

/// Index in the input of each number of the output, in order.
fn places(crop: Crop, [c, h, w]: [usize; 3]) -> impl Iterator<Item = usize> {
    let [top, left, rows, columns] = [crop.top, crop.left, crop.height, crop.width].map(|n| n as usize);
    (0..c * rows * columns).map(move |i| {
        let (channel, y, x) = (i / (rows * columns), i / columns % rows, i % columns);
        (channel * h + y + top) * w + x + left
    })
}

pub(super) fn cases() -> Vec<Case> {
    let of = |c, [h, w]: [u32; 2], [top, left, height, width]: [u32; 4]| {
        case(c, [h, w], Crop { top, left, height, width })
    };
    let mut cases = vec![
        of(1, [1, 1], [0, 0, 1, 1]),
        of(3, [5, 3], [0, 0, 5, 3]),
        of(4, [5, 3], [4, 2, 1, 1]),
        of(5, [7, 13], [2, 3, 4, 7]),
        of(64, [7, 13], [0, 6, 7, 7]),
        of(17, [2, 65], [1, 0, 1, 65]),
        of(6, [17, 1], [3, 0, 11, 1]),
        of(20, [16, 16], [8, 8, 8, 8]),
        of(8, [33, 31], [1, 1, 31, 29]),
        of(2, [40, 41], [0, 0, 1, 41]),
        of(9, [9, 31], [3, 30, 2, 1]),
        of(12, [23, 19], [22, 0, 1, 19]),
    ];
    cases.push(of(5, [7, 13], [2, 3, 4, 7]).in_f16());
    cases
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    let [h, w] = [draw(1, 40), draw(1, 40)];
    let [top, left] = [draw(0, h - 1), draw(0, w - 1)];
    let crop = Crop { top, left, height: draw(1, h - top), width: draw(1, w - left) };
    case(draw(1, 12), [h, w], crop)
}

fn case(channels: u32, [h, w]: [u32; 2], crop: Crop) -> Case {
    let dims = [channels as usize, h as usize, w as usize];
    let Crop { top, left, height, width } = crop;
    Case {
        label: format!("crop {channels}x{h}x{w} to {height}x{width} at {top}, {left}"),
        rung: "crop",
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![Shape::blocked(channels, h, w)],
        build: Box::new(move |_| Ok(Some(Box::new(crop)))),
        reference: Box::new(move |x| places(crop, dims).map(|i| x[0][i]).collect()),
        reference_backward: Box::new(move |x, d| {
            let mut d_x: Array = vec![0.0; x[0].len()];
            places(crop, dims).zip(d).for_each(|(i, d)| d_x[i] += d);
            vec![d_x]
        }),
        tolerance: 1e-6,
    }
}

//! The tone of an image's parts: how light they are.

use super::case::{AWKWARD, Array, Case};
use crate::error::Result;
use crate::gpu::{Precision, Recording, Shader, Shape, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static FORWARD: Shader = shader!("tone/forward");
static BACKWARD: Shader = shader!("tone/backward");

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&FORWARD, &BACKWARD]
}

/// The luma (Rec. 601) of an image, made smaller with a triangle filter, times a weight for each number that is left. The image
/// is planar, `[3, h, w]` of B, G, R; the weights are a constant, planar like the result, `[1, rows, columns]`.
///
/// Each number of the result stands for a window. Windows are [`cell`](Self::cell) pixels apart, the first centred on the first
/// `cell` rows and columns, and count pixels by a tent that falls to 0 at the middle of their neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tone {
    /// Pixels from window to window.
    pub cell: u32,
}

impl Tone {
    /// Shape of the tones of an image of this shape, and of the windows' weights.
    pub fn windows(&self, image: Shape) -> Shape {
        Shape::planar(1, image.height.div_ceil(self.cell), image.width.div_ceil(self.cell))
    }
}

impl Op for Tone {
    fn name(&self) -> &'static str {
        "tone"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        self.windows(inputs[0])
    }

    // The weights alone, which are a leaf and stay anyway.
    fn backward_reads(&self) -> Reads {
        Reads::default()
    }

    fn differentiable(&self, input: usize) -> bool {
        input == 0
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let (src, dst) = (io.inputs[0].shape(), io.output.shape());
        let kernel = recording.gpu().kernel(&FORWARD, &[])?;
        let elements = dst.vectors() * 4;
        let launch = recording
            .launch(&kernel, io.label)
            .bind("src", io.inputs[0])
            .bind("weights", io.inputs[1])
            .bind("dst", io.output)
            .set("height", src.height)
            .set("width", src.width)
            .set("rows", dst.height)
            .set("columns", dst.width)
            .set("cell", self.cell)
            // Five for the luma and four with the tents, in four windows.
            .flops_each(36, src.positions() as usize);
        // A workgroup for each element.
        launch.elements(64 * elements)
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        let (src, dst) = (d_input.tensor.shape(), io.d_output.shape());
        let kernel = recording.gpu().kernel(&BACKWARD, &d_input.overrides())?;
        recording
            .launch(&kernel, io.label)
            .bind("weights", io.input(1)?)
            .bind("d_dst", io.d_output)
            .bind("d_src", &d_input.tensor)
            .set("height", src.height)
            .set("width", src.width)
            .set("rows", dst.height)
            .set("columns", dst.width)
            .set("cell", self.cell)
            .flops_each(17, src.len())
            .elements(src.vectors() * 4)
    }
}

/// Calls `f(pixel, window, share)` for every pixel of a plane, row by row, and every window that counts it. A share is the tent
/// there over the square of `cell`.
pub(crate) fn shares([height, width]: [usize; 2], cell: usize, mut f: impl FnMut(usize, usize, f64)) {
    // The windows that count a row or column, of which there are `windows`, and their tents there.
    let tents = |at: usize, windows: usize| {
        let at = (at as f64 + 0.5) / cell as f64 - 0.5;
        let [first, part] = [at.floor(), at - at.floor()];
        [(first, 1.0 - part), (first + 1.0, part)]
            .into_iter()
            .filter(move |(window, _)| (0.0..windows as f64).contains(window))
            .map(|(window, tent)| (window as usize, tent / cell as f64))
    };
    let [rows, columns] = [height.div_ceil(cell), width.div_ceil(cell)];
    let across: Vec<Vec<_>> = (0..width).map(|x| tents(x, columns).collect()).collect();
    for y in 0..height {
        let down: Vec<_> = tents(y, rows).collect();
        for (x, across) in across.iter().enumerate() {
            for (row, vertical) in &down {
                for (column, horizontal) in across {
                    f(y * width + x, row * columns + column, vertical * horizontal);
                }
            }
        }
    }
}

/// Shares of blue, green and red in luma (Rec. 601).
pub(crate) const LUMA_BGR: [f64; 3] = [0.114, 0.587, 0.299];

fn reference(x: &[f64], weights: &[f64], size: [usize; 2], cell: usize) -> Array {
    let mut tones = vec![0.0; weights.len()];
    shares(size, cell, |pixel, window, share| {
        let luma: f64 =
            LUMA_BGR.iter().enumerate().map(|(c, part)| part * x[c * size[0] * size[1] + pixel]).sum();
        tones[window] += share * luma;
    });
    tones.iter().zip(weights).map(|(tone, weight)| tone * weight).collect()
}

fn reference_backward(x: &[Array], d: &[f64], size: [usize; 2], cell: usize) -> Vec<Array> {
    let pixels = size[0] * size[1];
    let mut d_x = vec![0.0; x[0].len()];
    shares(size, cell, |pixel, window, share| {
        for (c, part) in LUMA_BGR.iter().enumerate() {
            d_x[c * pixels + pixel] += part * share * x[1][window] * d[window];
        }
    });
    let tones = reference(&x[0], &vec![1.0; d.len()], size, cell);
    vec![d_x, tones.iter().zip(d).map(|(tone, d)| tone * d).collect()]
}

pub(super) fn cases() -> Vec<Case> {
    let sizes = AWKWARD.into_iter().chain([(131, 127), (1, 9), (64, 64), (3, 200)]);
    sizes.flat_map(|size| [1, 4, 11].map(|cell| case(size, cell))).collect()
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    case((draw(1, 90), draw(1, 90)), draw(1, 30))
}

fn case((h, w): (u32, u32), cell: u32) -> Case {
    let (size, tone, image) = ([h as usize, w as usize], Tone { cell }, Shape::planar(3, h, w));
    Case {
        label: format!("tone 3x{h}x{w}, windows {cell} apart"),
        rung: "tone",
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![image, tone.windows(image)],
        build: Box::new(move |_| Ok(Some(Box::new(tone)))),
        reference: Box::new(move |x| reference(&x[0], &x[1], size, cell as usize)),
        reference_backward: Box::new(move |x, d| reference_backward(x, d, size, cell as usize)),
        tolerance: 1e-5,
    }
}

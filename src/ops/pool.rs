//! Pooling, 2x2 with stride 2; an odd last row or column is dropped.

use super::case::{AWKWARD, Array, Case};
use crate::error::Result;
use crate::gpu::{Precision, Recording, Shader, Shape, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static MAX: [Shader; 2] = [shader!("pool/max_forward"), shader!("pool/max_backward")];
static AVG: [Shader; 2] = [shader!("pool/avg_forward"), shader!("pool/avg_backward")];

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    MAX.iter().chain(&AVG).collect()
}

/// What stands for four positions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The largest, as VGG19 was trained.
    #[default]
    Max,
    /// The mean, as Gatys et al. 2016 prefer for smoother images.
    Avg,
}

impl Pooling {
    /// The kernels of the forward and of the backward pass.
    fn kernels(self) -> &'static [Shader; 2] {
        match self {
            Self::Max => &MAX,
            Self::Avg => &AVG,
        }
    }
}

/// The operation: `[c, h, w]` blocked to `[c, h / 2, w / 2]` blocked.
#[derive(Debug)]
pub struct Pool(pub Pooling);

impl Op for Pool {
    fn name(&self) -> &'static str {
        "pool"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        Shape { height: inputs[0].height / 2, width: inputs[0].width / 2, ..inputs[0] }
    }

    fn backward_reads(&self) -> Reads {
        Reads { inputs: self.0 == Pooling::Max, output: false }
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let (src, dst) = (io.inputs[0].shape(), io.output.shape());
        let [forward, _] = self.0.kernels();
        let kernel = recording.gpu().kernel(forward, &[])?;
        recording
            .launch(&kernel, io.label)
            .bind("src", io.inputs[0])
            .bind("dst", io.output)
            .set("channels", src.channels)
            .set("height", src.height)
            .set("width", src.width)
            .flops_each(3, io.output.shape().len())
            .invocations([dst.width, dst.height, dst.channel_blocks()])
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let Some(d_input) = &io.d_inputs[0] else { return Ok(()) };
        let src = d_input.tensor.shape();
        let [_, backward] = self.0.kernels();
        let kernel = recording.gpu().kernel(backward, &d_input.overrides())?;
        let launch = recording
            .launch(&kernel, io.label)
            .bind("d_dst", io.d_output)
            .bind("d_src", &d_input.tensor)
            .set("channels", src.channels)
            .set("height", src.height)
            .set("width", src.width);
        match self.0 {
            // Three to find the largest, three to find where it is.
            Pooling::Max => launch
                .bind("src", io.input(0)?)
                .flops_each(6, io.d_output.shape().len())
                .invocations([src.width.div_ceil(2), src.height.div_ceil(2), src.channel_blocks()]),
            Pooling::Avg => {
                launch.flops_each(1, src.len()).invocations([src.width, src.height, src.channel_blocks()])
            }
        }
    }
}

/// The four positions of window `(y, x)` of map `c` in reading order.
fn window([h, w]: [usize; 2], c: usize, y: usize, x: usize) -> [usize; 4] {
    let i = (c * h + 2 * y) * w + 2 * x;
    [i, i + 1, i + w, i + w + 1]
}

fn windows([c, h, w]: [usize; 3]) -> impl Iterator<Item = [usize; 4]> {
    (0..c).flat_map(move |c| (0..h / 2).flat_map(move |y| (0..w / 2).map(move |x| window([h, w], c, y, x))))
}

/// First of the largest.
fn largest(x: &[f64], window: [usize; 4]) -> usize {
    window.into_iter().reduce(|best, i| if x[i] > x[best] { i } else { best }).unwrap_or(window[0])
}

fn reference(pooling: Pooling, x: &[f64], dims: [usize; 3]) -> Array {
    let value = |window: [usize; 4]| match pooling {
        Pooling::Max => x[largest(x, window)],
        Pooling::Avg => window.iter().map(|i| x[*i]).sum::<f64>() / 4.0,
    };
    windows(dims).map(value).collect()
}

fn reference_backward(pooling: Pooling, x: &[f64], d_out: &[f64], dims: [usize; 3]) -> Array {
    let mut d_x = vec![0.0; x.len()];
    for (window, d) in windows(dims).zip(d_out) {
        match pooling {
            Pooling::Max => d_x[largest(x, window)] += d,
            Pooling::Avg => window.iter().for_each(|i| d_x[*i] += d / 4.0),
        }
    }
    d_x
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![];
    for pooling in [Pooling::Max, Pooling::Avg] {
        for (n, (h, w)) in AWKWARD.into_iter().chain([(2, 2), (3, 3), (4, 10)]).enumerate() {
            if h < 2 || w < 2 {
                continue; // nothing is left of one row or column
            }
            for c in [[1, 4], [3, 6]].map(|pair| pair[n % 2]) {
                cases.push(case(pooling, c, [h, w]));
            }
        }
        cases.push(case(pooling, 6, [7, 13]).in_f16());
    }
    cases
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    case([Pooling::Max, Pooling::Avg][draw(0, 1) as usize], draw(1, 20), [draw(2, 50), draw(2, 50)])
}

fn case(pooling: Pooling, c: u32, [h, w]: [u32; 2]) -> Case {
    let dims = [c as usize, h as usize, w as usize];
    Case {
        label: format!("pool/{pooling:?} {c}x{h}x{w}"),
        rung: match pooling {
            Pooling::Max => "pool_max",
            Pooling::Avg => "pool_avg",
        },
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![Shape::blocked(c, h, w)],
        build: Box::new(move |_| Ok(Some(Box::new(Pool(pooling))))),
        reference: Box::new(move |x| reference(pooling, &x[0], dims)),
        reference_backward: Box::new(move |x, d| vec![reference_backward(pooling, &x[0], d, dims)]),
        tolerance: 1e-6,
    }
}

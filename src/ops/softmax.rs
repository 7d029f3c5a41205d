//! Softmax of the rows of a matrix: the ladder on which the book explains sums along rows, and numbers that overflow. No painting
//! runs it, so there is no backward pass.

use super::case::{Array, Case};
use super::lesson::Lesson;
use super::matmul::matrix;
use super::variants::Needs;
use crate::error::{Error, Result};
use crate::gpu::{Precision, Recording, Shader, Shape, shader};
use crate::graph::{Backward, Forward, Op, Reads};

/// Its rungs, plainest first.
pub static LADDER: [Lesson; 3] = [
    Lesson { name: "naive", shaders: &[shader!("softmax/1_naive")], ..F32 },
    Lesson { name: "rows", shaders: &[shader!("softmax/2_rows")], ..F32 },
    Lesson { name: "online", shaders: &[shader!("softmax/3_online")], ..F32 },
];

const F32: Lesson = Lesson { name: "", shaders: &[], needs: Needs::NOTHING, tolerance: 2e-6 };

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    LADDER.iter().flat_map(|lesson| lesson.shaders).collect()
}

/// `exp(x - max) / sum of exp(x - max)` for each row of a matrix, of shape `[1, rows, columns]`.
#[derive(Debug)]
pub struct Softmax(pub &'static Lesson);

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        inputs[0]
    }

    fn backward_reads(&self) -> Reads {
        Reads::default()
    }

    fn differentiable(&self, _input: usize) -> bool {
        false
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let (src, shader) = (io.inputs[0], &self.0.shaders[0]);
        let Shape { height: rows, width: columns, .. } = src.shape();
        let share = recording.gpu().constant(shader, "ROWS").filter(|share| *share > 0).ok_or_else(|| {
            let message = "'const ROWS' is missing: how many rows a workgroup takes, at least 1";
            Error::gpu(format!("kernel {}", shader.name), message)
        })?;
        let groups = rows.div_ceil(share);
        // A grid has at most 65535 workgroups in one direction.
        let lines = groups.div_ceil(65535);
        let kernel = recording.gpu().kernel(shader, &[])?;
        recording.clear_end(io.output)?;
        recording
            .launch(&kernel, io.label)
            .bind("src", src)
            .bind("dst", io.output)
            .set("rows", rows)
            .set("columns", columns)
            // A comparison, a difference, an exponential, a sum and a quotient.
            .flops_each(5, src.shape().len())
            .groups([groups.div_ceil(lines), lines, 1])
    }

    fn backward(&self, _recording: &mut Recording, _io: &Backward) -> Result<()> {
        Ok(())
    }
}

/// Rows and columns: one number, rows of one number, one row, primes, and one more or less than a workgroup takes of either.
const SIZES: [[u32; 2]; 13] = [
    [1, 1],
    [1, 2],
    [5, 1],
    [5, 3],
    [7, 13],
    [1, 63],
    [2, 64],
    [3, 65],
    [63, 5],
    [64, 64],
    [65, 66],
    [131, 127],
    [17, 1030],
];

/// Sizes at which numbers are so large that their exponentials overflow. Some rows of two have none above zero.
const LARGE: [[u32; 2]; 4] = [[33, 2], [5, 7], [9, 300], [65, 33]];

/// The magnitude of these numbers: a power of two, by which f32 multiplies without rounding.
const MAGNITUDE: f64 = 16384.0;

pub(super) fn cases() -> Vec<Case> {
    let of = |lesson: &'static Lesson| {
        let large = LARGE.map(|size| {
            let case = case(lesson, size);
            Case { label: format!("{}, numbers up to {MAGNITUDE}", case.label), magnitude: MAGNITUDE, ..case }
        });
        SIZES.map(|size| case(lesson, size)).into_iter().chain(large)
    };
    LADDER.iter().flat_map(of).collect()
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    let lesson = &LADDER[draw(0, LADDER.len() as u32 - 1) as usize];
    case(lesson, [draw(1, 140), draw(1, 200)])
}

fn case(lesson: &'static Lesson, [rows, columns]: [u32; 2]) -> Case {
    let width = columns as usize;
    Case {
        label: format!("softmax/{} {rows}x{columns}", lesson.name),
        rung: lesson.name,
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![matrix(rows, columns)],
        build: Box::new(move |gpu| Ok(lesson.missing(gpu).is_none().then(|| Box::new(Softmax(lesson)) as _))),
        reference: Box::new(move |x| x[0].chunks(width).flat_map(softmax).collect()),
        // dx = y (dy - sum of y dy).
        reference_backward: Box::new(move |x, d| {
            let rows = x[0].chunks(width).zip(d.chunks(width));
            let of_row = rows.flat_map(|(x, d)| {
                let y = softmax(x);
                let mean: f64 = y.iter().zip(d).map(|(y, d)| y * d).sum();
                y.iter().zip(d).map(|(y, d)| y * (d - mean)).collect::<Array>()
            });
            vec![of_row.collect()]
        }),
        tolerance: lesson.tolerance,
    }
}

fn softmax(row: &[f64]) -> Array {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials = row.iter().map(|x| (x - most).exp());
    let sum: f64 = exponentials.clone().sum();
    exponentials.map(|exponential| exponential / sum).collect()
}

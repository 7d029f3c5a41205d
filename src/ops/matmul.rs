//! Matrix multiplication, `C = A B`, row by row in f32: the ladder on which the book explains how kernels become fast. No
//! painting multiplies plain matrices, so there is no backward pass.

use super::case::{Array, Case};
use super::lesson::Lesson;
use super::variants::{Needs, Subgroups};
use crate::error::{Error, Result};
use crate::gpu::{Precision, Recording, Shader, Shape, shader};
use crate::graph::{Backward, Forward, Op, Reads};

/// Its rungs, plainest first.
pub static LADDER: [Lesson; 9] = [
    Lesson { name: "naive", shaders: &[shader!("matmul/1_naive")], ..F32 },
    Lesson { name: "coalesced", shaders: &[shader!("matmul/2_coalesced")], ..F32 },
    Lesson { name: "tiled", shaders: &[shader!("matmul/3_tiled")], ..F32 },
    Lesson { name: "column", shaders: &[shader!("matmul/4_column")], ..F32 },
    Lesson { name: "square", shaders: &[shader!("matmul/5_square")], ..F32 },
    Lesson { name: "padded", shaders: &[shader!("matmul/6_padded")], ..F32 },
    Lesson { name: "vectors", shaders: &[shader!("matmul/7_vectors")], ..F32 },
    Lesson { name: "turns", shaders: &[shader!("matmul/8_turns")], ..F32 },
    Lesson {
        name: "matrix_units",
        shaders: &[shader!("matmul/9_matrix_units")],
        needs: Needs { subgroups: Subgroups::Exactly(32), matrix_units: true },
        // Two factors of 11 bits.
        tolerance: 1e-3,
    },
];

const F32: Lesson = Lesson { name: "", shaders: &[], needs: Needs::NOTHING, tolerance: 2e-6 };

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    LADDER.iter().flat_map(|lesson| lesson.shaders).collect()
}

/// The product of two matrices, of shapes `[1, m, k]` and `[1, k, n]`.
#[derive(Debug)]
pub struct Matmul(pub &'static Lesson);

impl Op for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        matrix(inputs[0].height, inputs[1].width)
    }

    fn backward_reads(&self) -> Reads {
        Reads::default()
    }

    fn differentiable(&self, _input: usize) -> bool {
        false
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let shader = &self.0.shaders[0];
        let [a, b] = [io.inputs[0], io.inputs[1]];
        let Shape { height: m, width: k, .. } = a.shape();
        let n = b.shape().width;
        let gpu = recording.gpu();
        let tile = |name: &str| {
            let lacking = || Error::gpu(format!("kernel {}", shader.name), no_tile(name));
            gpu.constant(shader, name).filter(|size| *size > 0).ok_or_else(lacking)
        };
        let [rows, columns] = [tile("TILE_ROWS")?, tile("TILE_COLUMNS")?];
        let kernel = gpu.kernel(shader, &[])?;
        recording.clear_end(io.output)?;
        recording
            .launch(&kernel, io.label)
            .bind("a", a)
            .bind("b", b)
            .bind("c", io.output)
            .set("m", m)
            .set("n", n)
            .set("k", k)
            .flops_each(2 * k, m as usize * n as usize)
            .groups([n.div_ceil(columns), m.div_ceil(rows), 1])
    }

    fn backward(&self, _recording: &mut Recording, _io: &Backward) -> Result<()> {
        Ok(())
    }
}

fn no_tile(name: &str) -> String {
    format!(
        "'const {name}' is missing, or no whole number from 1 on: so many rows or columns of C a workgroup computes, as in \
         'const {name} = 8u;'"
    )
}

/// The shape of a matrix.
pub fn matrix(rows: u32, columns: u32) -> Shape {
    Shape::planar(1, rows, columns)
}

/// `[m, n, k]`: one element, vectors, primes, tiles and one more or less than a tile, multiples of four and others.
const SIZES: [[u32; 3]; 13] = [
    [1, 1, 1],
    [1, 1, 9],
    [5, 3, 7],
    [7, 13, 1],
    [17, 1, 33],
    [1, 70, 5],
    [16, 16, 16],
    [33, 65, 17],
    [64, 64, 8],
    [65, 66, 67],
    [36, 100, 52],
    [63, 131, 12],
    [131, 20, 29],
];

pub(super) fn cases() -> Vec<Case> {
    LADDER.iter().flat_map(|lesson| SIZES.map(|size| case(lesson, size))).collect()
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    let lesson = &LADDER[draw(0, LADDER.len() as u32 - 1) as usize];
    case(lesson, [draw(1, 140), draw(1, 140), draw(1, 50)])
}

fn case(lesson: &'static Lesson, [m, n, k]: [u32; 3]) -> Case {
    let [rows, columns, depth] = [m, n, k].map(|side| side as usize);
    Case {
        label: format!("matmul/{} {m}x{k} by {k}x{n}", lesson.name),
        rung: lesson.name,
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![matrix(m, k), matrix(k, n)],
        build: Box::new(move |gpu| Ok(lesson.missing(gpu).is_none().then(|| Box::new(Matmul(lesson)) as _))),
        reference: Box::new(move |x| {
            product(
                rows,
                columns,
                depth,
                |row, i| x[0][row * depth + i],
                |i, column| x[1][i * columns + column],
            )
        }),
        // dA = dC B^T, dB = A^T dC.
        reference_backward: Box::new(move |x, d| {
            let d_a =
                product(rows, depth, columns, |row, j| d[row * columns + j], |j, i| x[1][i * columns + j]);
            let d_b = product(
                depth,
                columns,
                rows,
                |i, j| x[0][j * depth + i],
                |j, column| d[j * columns + column],
            );
            vec![d_a, d_b]
        }),
        tolerance: lesson.tolerance,
    }
}

/// The product of two matrices that are given by their elements.
fn product(
    rows: usize,
    columns: usize,
    depth: usize,
    a: impl Fn(usize, usize) -> f64,
    b: impl Fn(usize, usize) -> f64,
) -> Array {
    let element = |at: usize| (0..depth).map(|i| a(at / columns, i) * b(i, at % columns)).sum();
    (0..rows * columns).map(element).collect()
}

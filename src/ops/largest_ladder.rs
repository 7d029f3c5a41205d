//! The largest magnitude of many numbers: the ladder on which the book explains reductions. `ops/largest.rs` is what paintings
//! run.

use super::case::Case;
use super::lesson::Lesson;
use super::matmul::matrix;
use super::variants::{Needs, Subgroups};
use crate::error::{Error, Result};
use crate::gpu::{Precision, Recording, ScratchSize, Shader, Shape, Tensor, shader};
use crate::graph::{Backward, Forward, Op, Reads};

/// Its rungs, plainest first.
pub static LADDER: [Lesson; 5] = [
    Lesson { name: "atomics", shaders: &[shader!("largest/1_atomics")], ..PLAIN },
    Lesson { name: "tree", shaders: &[shader!("largest/2_tree")], ..PLAIN },
    Lesson { name: "vectors", shaders: &[shader!("largest/3_vectors")], ..PLAIN },
    Lesson {
        name: "subgroups",
        shaders: &[shader!("largest/4_subgroups")],
        needs: Needs { subgroups: Subgroups::AtLeast(2), matrix_units: false },
        ..PLAIN
    },
    Lesson {
        name: "two_passes",
        shaders: &[shader!("largest/5_two_passes"), shader!("largest/5_second_pass")],
        ..PLAIN
    },
];

/// A maximum is exact, whatever the order.
const PLAIN: Lesson = Lesson { name: "", shaders: &[], needs: Needs::NOTHING, tolerance: 0.0 };

/// Workgroups of the first of two passes, at most: enough for the cores of a large GPU.
const PARTIALS: u32 = 192;

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    LADDER.iter().flat_map(|lesson| lesson.shaders).collect()
}

/// `max |x|` of a tensor, one number.
#[derive(Debug)]
pub struct Largest(pub &'static Lesson);

impl Largest {
    /// Records one pass from `src` to `dst`, with at most so many workgroups.
    fn record(
        recording: &mut Recording,
        label: &str,
        shader: &'static Shader,
        [src, dst]: [&Tensor; 2],
        groups: u32,
    ) -> Result<()> {
        let kernel = recording.gpu().kernel(shader, &[])?;
        let count = src.shape().len();
        // A grid has at most 65535 workgroups in one direction.
        let rows = groups.div_ceil(65535);
        recording
            .launch(&kernel, label)
            .bind("src", src)
            .bind("dst", dst)
            .set("count", count as u32)
            .flops_each(1, count)
            .groups([groups.div_ceil(rows), rows, 1])
    }
}

impl Op for Largest {
    fn name(&self) -> &'static str {
        "largest"
    }

    fn output_shape(&self, _inputs: &[Shape]) -> Shape {
        Shape::scalar()
    }

    fn backward_reads(&self) -> Reads {
        Reads::default()
    }

    fn differentiable(&self, _input: usize) -> bool {
        false
    }

    fn scratch(&self, _inputs: &[Shape]) -> ScratchSize {
        let buffers = if self.0.shaders.len() > 1 { vec![Shape::planar(1, 1, PARTIALS)] } else { vec![] };
        ScratchSize { buffers, textures: vec![] }
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let (src, shader) = (io.inputs[0], &self.0.shaders[0]);
        let share =
            recording.gpu().constant(shader, "SHARE").filter(|share| *share > 0).ok_or_else(|| {
                let message = "'const SHARE' is missing: how many numbers a workgroup takes, at least 1";
                Error::gpu(format!("kernel {}", shader.name), message)
            })?;
        let groups = (src.shape().len() as u32).div_ceil(share);
        recording.clear_end(io.output)?;
        let Some(second) = self.0.shaders.get(1) else {
            return Self::record(recording, io.label, shader, [src, io.output], groups);
        };
        let groups = groups.min(PARTIALS);
        let partials = io.scratch.buffers[0].viewed_as(Shape::planar(1, 1, groups));
        Self::record(recording, io.label, shader, [src, &partials], groups)?;
        Self::record(recording, io.label, second, [&partials, io.output], 1)
    }

    fn backward(&self, _recording: &mut Recording, _io: &Backward) -> Result<()> {
        Ok(())
    }
}

/// Rows and columns: one number, a few, primes, one more or less than a workgroup's share, and many workgroups.
const SIZES: [[u32; 2]; 13] = [
    [1, 1],
    [1, 3],
    [5, 3],
    [1, 255],
    [1, 256],
    [1, 257],
    [7, 131],
    [1, 4095],
    [1, 4096],
    [1, 4097],
    [64, 65],
    [131, 127],
    [500, 401],
];

pub(super) fn cases() -> Vec<Case> {
    let cases = LADDER.iter().flat_map(|lesson| SIZES.map(|size| case(lesson, size)));
    // More than 192 workgroups take at once, and the largest is not among the first.
    cases.chain([case(&LADDER[4], [1100, 1000])]).collect()
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    let lesson = &LADDER[draw(0, LADDER.len() as u32 - 1) as usize];
    case(lesson, [draw(1, 100), draw(1, 200)])
}

fn case(lesson: &'static Lesson, [rows, columns]: [u32; 2]) -> Case {
    let at = |x: &[f64]| (0..x.len()).max_by(|a, b| x[*a].abs().total_cmp(&x[*b].abs())).unwrap_or(0);
    Case {
        label: format!("largest/{} {rows}x{columns}", lesson.name),
        rung: lesson.name,
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![matrix(rows, columns)],
        build: Box::new(move |gpu| Ok(lesson.missing(gpu).is_none().then(|| Box::new(Largest(lesson)) as _))),
        reference: Box::new(move |x| vec![x[0][at(&x[0])].abs()]),
        reference_backward: Box::new(move |x, d| {
            let mut d_x = vec![0.0; x[0].len()];
            d_x[at(&x[0])] = d[0] * x[0][at(&x[0])].signum();
            vec![d_x]
        }),
        tolerance: lesson.tolerance,
    }
}

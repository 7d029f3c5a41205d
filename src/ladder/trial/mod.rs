//! A trial of a user's own kernel: the test cases of an operation, on a device that runs the kernel in place of a plain
//! one, with poisoned and guarded memory. What is wrong is described by its first wrong element and by the pattern of all.

mod pattern;
mod resemblance;
mod runs;

pub use pattern::{Edge, Pattern, Unit};
pub use resemblance::Resemblance;

use super::benchmark::Benchmark;
use super::{Check, Effort, ProblemSize, Rung};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Layout, Shape};
use crate::ops::case::Case;
use crate::ops::variants::Pass;
use runs::{Answer, Bench};

/// The result of a trial.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// The operation.
    pub operation: &'static str,
    /// As that of a rung of a ladder.
    pub check: Check,
    /// The case that tells most about what is wrong, if any is wrong.
    pub finding: Option<Finding>,
    /// Cases that are wrong.
    pub wrong_cases: usize,
    /// Whether the kernel has workgroup memory, and so may lack a barrier.
    pub shares_memory: bool,
    /// Whether an invocation of it may return before a barrier.
    pub leaves_early: bool,
}

/// What is wrong in one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The case: operation and sizes.
    pub case: String,
    /// The tensor: `output`, or `gradient of input 1`.
    pub tensor: String,
    /// The pass that computes it.
    pub pass: Pass,
    /// Its shape.
    pub shape: Shape,
    /// The elements that are wrong, if any are.
    pub elements: Option<WrongElements>,
    /// The first vector behind the end of the tensor that was written to, counted from the end.
    pub written_behind: Option<u64>,
    /// Whether the unused channels of the last block, or the numbers behind the last, are not zero.
    pub dirty_padding: bool,
    /// Elements that differ from run to run.
    pub unstable: usize,
    /// Elements that are wrong only where the kernel adds to its output.
    pub only_when_accumulating: bool,
    /// The device failed instead of giving an answer.
    pub failure: Option<String>,
}

/// Elements that are not what the reference says.
#[derive(Debug, Clone, PartialEq)]
pub struct WrongElements {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
    /// The first in the order of channels, rows and columns.
    pub first: Element,
    /// Of them, those that are NaN.
    pub nan: usize,
    /// Of those that are NaN, the ones that were never written.
    pub unwritten: usize,
    /// Of those that are NaN, the ones that come from reading beyond the end of a binding.
    pub from_beyond: usize,
    /// Where they lie.
    pub pattern: Pattern,
    /// What the numbers are instead.
    pub resemblance: Option<Resemblance>,
}

/// One element of a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Element {
    /// Channel, or row of a matrix.
    pub channel: usize,
    /// Row.
    pub y: usize,
    /// Column.
    pub x: usize,
    /// The reference's number.
    pub expected: f64,
    /// The kernel's.
    pub got: f32,
}

/// Runs the cases of an implementation for the passes that launch the user's kernel. The device is `paranoid` and
/// `guarded`. `progress` is called with each case before it runs.
///
/// # Errors
/// [`Error::DeviceLost`]; other failures are findings.
pub fn check(
    gpu: &Gpu,
    benchmark: &Benchmark,
    passes: &[Pass],
    size: &ProblemSize,
    progress: &mut dyn FnMut(&str),
) -> Result<Verdict> {
    let cases = benchmark.cases_of(benchmark.plain(), benchmark.size(size).precision);
    let mut verdict = Verdict {
        operation: benchmark.operation,
        shares_memory: gpu.stand_in_shares_memory(),
        leaves_early: gpu.stand_in_leaves_early(),
        ..Verdict::default()
    };
    verdict.check.cases = cases.len();
    if cases.is_empty() {
        verdict.check.wrong = Some("there is no case to check it with".into());
    }
    // Adding to the output is checked once: it takes kernels of its own.
    let accumulated = cases.len() / 2;
    for (number, case) in cases.iter().enumerate() {
        progress(&case.label);
        let bench = Bench { gpu, case, passes };
        let finding = match verdict.look_at(&bench, number == accumulated) {
            Err(error @ Error::DeviceLost { .. }) => return Err(error),
            Err(error) => Some(failed(case, passes, &error)),
            Ok(finding) => finding,
        };
        let Some(finding) = finding else { continue };
        verdict.wrong_cases += 1;
        let known = verdict.finding.as_ref().map_or(0, Finding::weight);
        if finding.weight() > known {
            verdict.finding = Some(finding);
        }
        // A kernel that fails to be launched fails in every case.
        if verdict.finding.as_ref().is_some_and(|finding| finding.failure.is_some()) {
            break;
        }
    }
    Ok(verdict)
}

/// Times the passes that launch the user's kernel, at a layer's shape.
pub fn time(gpu: &Gpu, benchmark: &Benchmark, passes: &[Pass], size: &ProblemSize, seconds: f64) -> Rung {
    let effort = Effort { seconds, check: false, ..Effort::default() };
    let mut rung = super::run(gpu, benchmark, benchmark.plain(), &benchmark.size(size), effort);
    rung.passes.retain(|timing| passes.contains(&timing.pass));
    rung
}

fn failed(case: &Case, passes: &[Pass], error: &Error) -> Finding {
    let message = match error {
        Error::Gpu { what, message } if what.starts_with("kernel ") => message.clone(),
        Error::Gpu { what, message } => format!("{what}: {message}"),
        other => other.to_string(),
    };
    let pass = passes.first().copied().unwrap_or(Pass::Forward);
    Finding { failure: Some(message), ..Finding::nothing(case, "output".into(), pass, case.inputs[0]) }
}

impl Verdict {
    /// Runs a case and returns what is wrong with its first wrong tensor.
    fn look_at(&mut self, bench: &Bench, accumulate: bool) -> Result<Option<Finding>> {
        let case = bench.case;
        self.check.tolerance = self.check.tolerance.max(case.tolerance);
        let first = bench.run(runs::NAN, false)?;
        let again = bench.run(runs::NAN, false)?;
        for (k, answer) in first.iter().enumerate() {
            let off = answer.distance();
            let worst = match answer.pass {
                Pass::Forward => &mut self.check.forward,
                Pass::Backward => &mut self.check.backward,
            };
            *worst = worst.max(off);
            let finding = judge(bench, &first, k, again.get(k))?;
            if finding.is_some() {
                return Ok(finding);
            }
        }
        if !accumulate {
            return Ok(None);
        }
        let sums = bench.run(runs::NAN, true)?;
        for k in (0..sums.len()).filter(|k| sums[*k].pass == Pass::Backward) {
            if let Some(finding) = judge(bench, &sums, k, None)? {
                return Ok(Some(Finding { only_when_accumulating: true, ..finding }));
            }
        }
        Ok(None)
    }
}

/// What is wrong with an answer, if anything.
fn judge(bench: &Bench, answers: &[Answer], k: usize, again: Option<&Answer>) -> Result<Option<Finding>> {
    let answer = &answers[k];
    let mut finding = Finding::nothing(bench.case, answer.tensor.clone(), answer.pass, answer.shape);
    finding.written_behind = answer.written_behind;
    finding.dirty_padding = answer.dirty_padding;
    finding.unstable = again.map_or(0, |again| answer.differs_from(again));
    let wrong = answer.wrong();
    let is_sound = !finding.dirty_padding && finding.written_behind.is_none() && finding.unstable == 0;
    if wrong.is_empty() && is_sound {
        return Ok(None);
    }
    if !wrong.is_empty() {
        finding.elements = Some(elements(bench, answer, k, &wrong)?);
    }
    Ok(Some(finding))
}

/// Describes wrong elements. Those that are NaN are told apart by what becomes of them with other poison.
fn elements(bench: &Bench, answer: &Answer, k: usize, wrong: &[usize]) -> Result<WrongElements> {
    let nan: Vec<usize> = wrong.iter().copied().filter(|i| answer.got[*i].is_nan()).collect();
    let (mut unwritten, mut from_beyond) = (0, 0);
    if !nan.is_empty() {
        let marked = bench.run(runs::MARKED, false)?;
        let calm = bench.run(runs::CALM, false)?;
        let mark = answer.shape.precision.repeated(crate::gpu::Poison::MARK);
        unwritten = nan.iter().filter(|i| marked[k].got[**i] == mark).count();
        let written = nan.iter().filter(|i| marked[k].got[**i] != mark);
        from_beyond = written.filter(|i| calm[k].got[**i].is_finite()).count();
    }
    let shape = answer.shape;
    let positions = shape.positions() as usize;
    let first = wrong[0];
    // If all that is wrong is NaN, the rest is right, and resembles nothing else.
    let resemblance = if nan.len() < wrong.len() { Resemblance::of(answer) } else { None };
    Ok(WrongElements {
        count: wrong.len(),
        of: answer.got.len(),
        first: Element {
            channel: first / positions,
            y: first % positions / shape.width as usize,
            x: first % shape.width as usize,
            expected: answer.want[first],
            got: answer.got[first],
        },
        nan: nan.len(),
        unwritten,
        from_beyond,
        pattern: Pattern::of(shape, wrong),
        resemblance,
    })
}

impl Finding {
    fn nothing(case: &Case, tensor: String, pass: Pass, shape: Shape) -> Self {
        Self {
            case: case.label.replace("/naive ", " "),
            tensor,
            pass,
            shape,
            elements: None,
            written_behind: None,
            dirty_padding: false,
            unstable: 0,
            only_when_accumulating: false,
            failure: None,
        }
    }

    /// How much it tells: what happened to memory most, then a resemblance, then a pattern, and none of it says much about a
    /// tensor of few elements. Of two cases that tell as much the earlier one is kept, which is mostly the smaller.
    fn weight(&self) -> u32 {
        let Some(elements) = &self.elements else { return if self.failure.is_some() { 99 } else { 2 } };
        if elements.of < 16 || self.shape.positions() < 4 {
            return 1;
        }
        let memory = u32::from(elements.unwritten + elements.from_beyond + self.unstable > 0);
        let pattern = match elements.pattern {
            Pattern::All | Pattern::Scattered => 0,
            Pattern::Edges(_) => 5,
            _ => 2,
        };
        let resemblance = match elements.resemblance {
            Some(Resemblance::Zero) => 1,
            Some(_) => 7,
            None => 0,
        };
        2 + (4 * memory + pattern).max(resemblance)
    }

    /// Whether the tensor is a plain matrix, row by row, and not maps of features.
    pub fn is_matrix(&self) -> bool {
        self.shape.layout == Layout::Planar && self.shape.channels == 1
    }

    /// A place in the tensor, to follow its name: a matrix has rows and columns.
    pub fn place(&self, element: &Element) -> String {
        let Element { channel, y, x, .. } = element;
        match self.shape {
            shape if shape.len() == 1 => String::new(),
            Shape { layout: Layout::Blocked, height: 1, channels, width, .. } if channels == width => {
                format!(" at row {channel}, column {x}")
            }
            _ if self.is_matrix() => format!(" at row {y}, column {x}"),
            _ => format!(" at channel {channel}, y {y}, x {x}"),
        }
    }
}

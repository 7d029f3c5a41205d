//! What wrong numbers are instead: the right ones somewhere else, or changed in a simple way.

use std::fmt;

use super::runs::Answer;
use crate::gpu::Shape;

/// What wrong numbers are instead.
#[derive(Debug, Clone, PartialEq)]
pub enum Resemblance {
    /// Zero.
    Zero,
    /// The right numbers with rows and columns exchanged.
    Transposed,
    /// The right numbers of the position so many further on.
    Shifted {
        /// Positions; negative for those before.
        by: i64,
    },
    /// The right numbers of another channel of the same block of four.
    ChannelsReversed,
    /// The right numbers times a constant.
    Scaled {
        /// The constant.
        by: f64,
    },
    /// The right numbers without the ReLU.
    WithoutRelu,
    /// The right numbers plus a constant for each channel.
    PlusConstantPerChannel,
    /// The input, unchanged.
    Input,
}

/// Recognises one resemblance in the numbers of an answer.
type Rule = fn(&Answer, &[f64]) -> Option<Resemblance>;

impl Resemblance {
    /// What the numbers of an answer are, if they are one of these throughout.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        // Of few numbers too many things are true.
        if answer.got.len() < 6 {
            return None;
        }
        let got: Vec<f64> = answer.got.iter().map(|number| f64::from(*number)).collect();
        let rules: [Rule; 8] =
            [zero, without_relu, input, scaled, transposed, shifted, reversed, plus_constant];
        rules.iter().find_map(|rule| rule(answer, &got))
    }
}

/// Whether each number is what `expected` says, for those that are numbers and for which it says something: seven of ten at
/// least.
fn matches(answer: &Answer, got: &[f64], expected: impl Fn(usize) -> Option<f64>) -> bool {
    let numbers = || got.iter().enumerate().filter(|(_, got)| !got.is_nan());
    let pairs = || numbers().filter_map(|(i, got)| Some((*got, expected(i)?)));
    let compared = pairs().count();
    compared * 10 >= got.len() * 7 && pairs().all(|(got, expected)| answer.agree(got, expected))
}

fn zero(answer: &Answer, got: &[f64]) -> Option<Resemblance> {
    matches(answer, got, |_| Some(0.0)).then_some(Resemblance::Zero)
}

fn without_relu(answer: &Answer, got: &[f64]) -> Option<Resemblance> {
    let clamp = |number: &f64| if number.is_nan() { *number } else { number.max(0.0) };
    let clamped: Vec<f64> = got.iter().map(clamp).collect();
    let is_negative = got.iter().any(|number| *number < 0.0);
    let is_right = is_negative && matches(answer, &clamped, |i| Some(answer.want[i]));
    is_right.then_some(Resemblance::WithoutRelu)
}

fn input(answer: &Answer, got: &[f64]) -> Option<Resemblance> {
    let is_input = answer.input.len() == got.len() && matches(answer, got, |i| Some(answer.input[i]));
    is_input.then_some(Resemblance::Input)
}

fn scaled(answer: &Answer, got: &[f64]) -> Option<Resemblance> {
    let numbers = (0..got.len()).filter(|i| !got[*i].is_nan());
    let largest = numbers.max_by(|a, b| answer.want[*a].abs().total_cmp(&answer.want[*b].abs()))?;
    let by = got[largest] / answer.want[largest];
    let unscaled: Vec<f64> = got.iter().map(|number| number / by).collect();
    let is_scaled = by.is_finite() && by != 0.0 && matches(answer, &unscaled, |i| Some(answer.want[i]));
    is_scaled.then_some(Resemblance::Scaled { by })
}

fn transposed(answer: &Answer, got: &[f64]) -> Option<Resemblance> {
    let Shape { channels, height, width, .. } = answer.shape;
    let [channels, height, width] = [channels, height, width].map(|side| side as usize);
    let positions = height * width;
    let is_matrix = height == 1 && channels == width && width > 1;
    if !is_matrix && (height < 2 || width < 2) {
        return None;
    }
    let other = |i: usize| {
        let (c, p) = (i / positions, i % positions);
        // Rows and columns of a matrix, or positions in the order of columns.
        if is_matrix { p * width + c } else { c * positions + p % height * width + p / height }
    };
    matches(answer, got, |i| answer.want.get(other(i)).copied()).then_some(Resemblance::Transposed)
}

fn shifted(answer: &Answer, got: &[f64]) -> Option<Resemblance> {
    let positions = i64::from(answer.shape.positions());
    let width = i64::from(answer.shape.width);
    [1, -1, width, -width].into_iter().find_map(|by| {
        let expected = |i: usize| {
            let p = i as i64 % positions + by;
            (0..positions).contains(&p).then(|| answer.want[(i as i64 + by) as usize])
        };
        matches(answer, got, expected).then_some(Resemblance::Shifted { by })
    })
}

fn reversed(answer: &Answer, got: &[f64]) -> Option<Resemblance> {
    let positions = answer.shape.positions() as usize;
    let expected = |i: usize| {
        let channel = i / positions;
        let other = channel / 4 * 4 + 3 - channel % 4;
        answer.want.get(other * positions + i % positions).copied()
    };
    matches(answer, got, expected).then_some(Resemblance::ChannelsReversed)
}

fn plus_constant(answer: &Answer, got: &[f64]) -> Option<Resemblance> {
    let positions = answer.shape.positions() as usize;
    if positions < 3 {
        return None;
    }
    let expected = |i: usize| {
        let first = i / positions * positions;
        Some(answer.want[i] + got[first] - answer.want[first])
    };
    matches(answer, got, expected).then_some(Resemblance::PlusConstantPerChannel)
}

impl fmt::Display for Resemblance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => write!(f, "zero everywhere"),
            Self::Transposed => write!(f, "the right numbers with rows and columns exchanged"),
            Self::Shifted { by } => write!(f, "the right numbers of the position (y * width + x) {by:+}"),
            Self::ChannelsReversed => {
                write!(f, "the right numbers, the four channels of each block in reverse")
            }
            Self::Scaled { by } => write!(f, "the right numbers times {by:.4}"),
            Self::WithoutRelu => {
                write!(f, "the right numbers, where these are positive; others are negative")
            }
            Self::PlusConstantPerChannel => write!(f, "the right numbers plus a constant for each channel"),
            Self::Input => write!(f, "what the kernel reads, unchanged"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::case::numbers;
    use crate::ops::variants::Pass;

    /// An answer of this shape whose elements are what `change` makes of the right ones, given by channel, row and column.
    fn of(
        shape: Shape,
        change: impl Fn(&dyn Fn([usize; 3]) -> f64, [usize; 3]) -> f64,
    ) -> Option<Resemblance> {
        let [height, width] = [shape.height, shape.width].map(|side| side as usize);
        let want = numbers(1, shape.len());
        let right =
            |[c, y, x]: [usize; 3]| want.get((c * height + y) * width + x).copied().unwrap_or(f64::NAN);
        let at = |i: usize| [i / (height * width), i / width % height, i % width];
        let got = (0..shape.len()).map(|i| change(&right, at(i)) as f32).collect();
        Resemblance::of(&Answer {
            pass: Pass::Forward,
            tensor: "output".into(),
            shape,
            got,
            want: want.clone(),
            input: numbers(2, shape.len()),
            tolerance: 1e-6,
            written_behind: None,
            dirty_padding: false,
        })
    }

    const MAPS: Shape = Shape::blocked(8, 6, 6);

    #[test]
    fn each_resemblance_is_told_from_the_others() {
        let input = numbers(2, MAPS.len());
        assert_eq!(of(MAPS, |_, _| 0.0), Some(Resemblance::Zero));
        assert_eq!(of(MAPS, |right, [c, y, x]| right([c, x, y])), Some(Resemblance::Transposed));
        let after = |right: &dyn Fn([usize; 3]) -> f64, [c, y, x]: [usize; 3]| right([c, y, x + 1]);
        assert_eq!(of(MAPS, after), Some(Resemblance::Shifted { by: 1 }));
        let reversed =
            |right: &dyn Fn([usize; 3]) -> f64, [c, y, x]: [usize; 3]| right([c / 4 * 4 + 3 - c % 4, y, x]);
        assert_eq!(of(MAPS, reversed), Some(Resemblance::ChannelsReversed));
        assert_eq!(of(MAPS, |right, at| 0.25 * right(at)), Some(Resemblance::Scaled { by: 0.25 }));
        let biased = |right: &dyn Fn([usize; 3]) -> f64, at: [usize; 3]| right(at) + at[0] as f64 - 3.5;
        assert_eq!(of(MAPS, biased), Some(Resemblance::PlusConstantPerChannel));
        assert_eq!(of(MAPS, |_, [c, y, x]| input[(c * 6 + y) * 6 + x]), Some(Resemblance::Input));
        let matrix = Shape::blocked(9, 1, 9);
        assert_eq!(
            of(matrix, |right, [row, _, column]| right([column, 0, row])),
            Some(Resemblance::Transposed)
        );
        // Wrong in a way of its own, and too few numbers to say.
        assert_eq!(of(MAPS, |right, at| right(at) * right(at)), None);
        assert_eq!(of(Shape::planar(1, 1, 5), |_, _| 0.0), None);
    }
}

//! Where the wrong elements of a tensor lie.

use std::collections::BTreeSet;
use std::fmt;

use crate::gpu::{Layout, Shape};

/// Where the wrong elements of a tensor lie, as far as they form a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// All of them.
    All,
    /// Every element of the channels from this one on.
    LastChannels {
        /// The first of them.
        first: usize,
    },
    /// Only in channels with this remainder of four: one component of each vector.
    EveryFourth {
        /// The remainder.
        remainder: usize,
    },
    /// Only on these edges of the feature maps.
    Edges(Vec<Edge>),
    /// From this unit to the end.
    Last {
        /// What is counted.
        unit: Unit,
        /// The first of them.
        first: usize,
    },
    /// In one run of units.
    OneRun {
        /// What is counted.
        unit: Unit,
        /// The first.
        first: usize,
        /// The last.
        last: usize,
    },
    /// In units that repeat with a period: a part of each workgroup.
    Periodic {
        /// What is counted.
        unit: Unit,
        /// The period, a power of two.
        period: usize,
        /// The first within a period.
        first: usize,
        /// The last within a period.
        last: usize,
    },
    /// Of a matrix, only above the diagonal.
    AboveDiagonal,
    /// Of a matrix, only below the diagonal.
    BelowDiagonal,
    /// None of these.
    Scattered,
}

/// What invocations are laid over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Positions of the feature maps, the same in most channels: `y * width + x`.
    Position,
    /// Columns of a matrix, the same in all rows.
    Column,
    /// Rows of a matrix, the same in all columns.
    Row,
    /// Vectors of four numbers in the order of memory.
    Vector,
}

/// An edge of feature maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// y = 0
    Top,
    /// y = height - 1
    Bottom,
    /// x = 0
    Left,
    /// x = width - 1
    Right,
}

impl Pattern {
    /// The pattern of these elements, given in ascending order as indices in `[channels][height][width]` order.
    pub(super) fn of(shape: Shape, wrong: &[usize]) -> Self {
        if wrong.len() == shape.len() {
            return Self::All;
        }
        let rules = [matrix, lines, edges, channels, positions, vectors];
        rules.iter().find_map(|rule| rule(shape, wrong)).unwrap_or(Self::Scattered)
    }
}

fn matrix(shape: Shape, wrong: &[usize]) -> Option<Pattern> {
    let side = shape.width as usize;
    if shape.height != 1 || shape.channels != shape.width || side < 3 {
        return None;
    }
    let all = |is: fn(usize, usize) -> bool| wrong.iter().all(|i| is(i / side, i % side));
    if all(|row, column| column > row) {
        return Some(Pattern::AboveDiagonal);
    }
    all(|row, column| column < row).then_some(Pattern::BelowDiagonal)
}

/// Whole columns, or whole rows, of a plain matrix.
fn lines(shape: Shape, wrong: &[usize]) -> Option<Pattern> {
    if shape.layout != Layout::Planar || shape.channels != 1 {
        return None;
    }
    let [height, width] = [shape.height, shape.width].map(|side| side as usize);
    let columns: BTreeSet<usize> = wrong.iter().map(|i| i % width).collect();
    let rows: BTreeSet<usize> = wrong.iter().map(|i| i / width).collect();
    let of = |unit, count, across, found: BTreeSet<usize>| {
        (wrong.len() == found.len() * across).then(|| units(unit, count, found)).flatten()
    };
    of(Unit::Column, width, height, columns).or_else(|| of(Unit::Row, height, width, rows))
}

fn edges(shape: Shape, wrong: &[usize]) -> Option<Pattern> {
    let [height, width] = [shape.height, shape.width].map(|side| side as usize);
    // Of small maps much is edge by chance.
    if height < 3 || width < 3 || 5 * (height - 2) * (width - 2) < 2 * height * width {
        return None;
    }
    let on = |edge: Edge, i: usize| {
        let (y, x) = (i / width % height, i % width);
        match edge {
            Edge::Top => y == 0,
            Edge::Bottom => y == height - 1,
            Edge::Left => x == 0,
            Edge::Right => x == width - 1,
        }
    };
    let all = [Edge::Top, Edge::Bottom, Edge::Left, Edge::Right];
    // An edge counts if it is wrong away from its corners, which belong to two.
    let corner = |i: usize| all.iter().filter(|edge| on(**edge, i)).count() > 1;
    let found = all.into_iter().filter(|edge| wrong.iter().any(|i| on(*edge, *i) && !corner(*i)));
    let found: Vec<Edge> = found.collect();
    let covered = |i: &usize| found.iter().any(|edge| on(*edge, *i));
    (!found.is_empty() && wrong.iter().all(covered)).then_some(Pattern::Edges(found))
}

fn channels(shape: Shape, wrong: &[usize]) -> Option<Pattern> {
    let (positions, channels) = (shape.positions() as usize, shape.channels as usize);
    let first = wrong.first()? / positions;
    if first > 0 && wrong.len() == (channels - first) * positions {
        return Some(Pattern::LastChannels { first });
    }
    // The same component of several vectors, and of all of them.
    let remainder = first % 4;
    let found: BTreeSet<usize> = wrong.iter().map(|i| i / positions).collect();
    let same = found.iter().all(|channel| channel % 4 == remainder);
    let all = (remainder..channels).step_by(4).count();
    (same && found.len() == all && all > 1).then_some(Pattern::EveryFourth { remainder })
}

fn positions(shape: Shape, wrong: &[usize]) -> Option<Pattern> {
    let count = shape.positions() as usize;
    // In most channels: in some all may be right by chance, as behind a ReLU.
    let channels: BTreeSet<usize> = wrong.iter().map(|i| i / count).collect();
    if 2 * channels.len() < shape.channels as usize {
        return None;
    }
    units(Unit::Position, count, wrong.iter().map(|i| i % count).collect())
}

fn vectors(shape: Shape, wrong: &[usize]) -> Option<Pattern> {
    let positions = shape.positions() as usize;
    let vector = |i: &usize| match shape.layout {
        Layout::Planar => i / 4,
        Layout::Blocked => i / positions / 4 * positions + i % positions,
    };
    units(Unit::Vector, shape.vectors() as usize, wrong.iter().map(vector).collect())
}

fn units(unit: Unit, count: usize, found: BTreeSet<usize>) -> Option<Pattern> {
    let (&first, &last) = (found.first()?, found.last()?);
    if found.len() == count || count < 8 {
        return None;
    }
    if found.len() == last - first + 1 {
        let is_last = last == count - 1 && first > 0;
        return Some(if is_last {
            Pattern::Last { unit, first }
        } else {
            Pattern::OneRun { unit, first, last }
        });
    }
    periodic(unit, count, &found)
}

/// A part of each period, the smallest period of those that fit.
fn periodic(unit: Unit, count: usize, found: &BTreeSet<usize>) -> Option<Pattern> {
    let periods = (1..9).map(|power| 1 << power).take_while(|period| 2 * period <= count);
    periods.into_iter().find_map(|period| {
        let places: BTreeSet<usize> = found.iter().map(|at| at % period).collect();
        let (&first, &last) = (places.first()?, places.last()?);
        let is_run = places.len() == last - first + 1 && places.len() < period;
        let is_full = (0..count).all(|at| !places.contains(&(at % period)) || found.contains(&at));
        (is_run && is_full).then_some(Pattern::Periodic { unit, period, first, last })
    })
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Position => "positions (y * width + x)",
            Self::Column => "columns",
            Self::Row => "rows",
            Self::Vector => "vec4 of the tensor, counted in memory,",
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => write!(f, "all elements"),
            Self::LastChannels { first } => write!(f, "all elements of the last channels, from {first} on"),
            Self::EveryFourth { remainder } => {
                write!(f, "only channels with channel % 4 = {remainder}: one component of each vec4")
            }
            Self::Edges(edges) => {
                let names = edges.iter().map(|edge| match edge {
                    Edge::Top => "top",
                    Edge::Bottom => "bottom",
                    Edge::Left => "left",
                    Edge::Right => "right",
                });
                write!(f, "only at the edges: {}", names.collect::<Vec<_>>().join(", "))
            }
            Self::Last { unit, first } => write!(f, "the last {unit} from {first} on"),
            Self::OneRun { unit, first, last } => {
                write!(f, "one run of {unit} from {first} to {last}: one workgroup's part")
            }
            Self::Periodic { unit, period, first, last } => {
                write!(f, "{unit} whose number % {period} is ")?;
                match first == last {
                    true => write!(f, "{first}"),
                    false => write!(f, "{first} to {last}: a part of each workgroup"),
                }
            }
            Self::AboveDiagonal => write!(f, "only above the diagonal"),
            Self::BelowDiagonal => write!(f, "only below the diagonal"),
            Self::Scattered => write!(f, "in no pattern that is known"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(shape: Shape, is_wrong: impl Fn(usize, usize, usize) -> bool) -> Pattern {
        let [height, width] = [shape.height, shape.width].map(|side| side as usize);
        let positions = height * width;
        let wrong = |i: &usize| is_wrong(i / positions, i % positions / width, i % width);
        Pattern::of(shape, &(0..shape.len()).filter(wrong).collect::<Vec<_>>())
    }

    const MAPS: Shape = Shape::blocked(13, 7, 16);

    #[test]
    fn each_pattern_is_told_from_the_others() {
        assert_eq!(of(MAPS, |_, _, _| true), Pattern::All);
        assert_eq!(of(MAPS, |c, _, _| c >= 12), Pattern::LastChannels { first: 12 });
        assert_eq!(of(MAPS, |c, _, _| c % 4 == 2), Pattern::EveryFourth { remainder: 2 });
        assert_eq!(of(MAPS, |_, y, x| y == 0 || x == 15), Pattern::Edges(vec![Edge::Top, Edge::Right]));
        assert_eq!(of(MAPS, |_, y, x| y * 16 + x >= 64), Pattern::Last { unit: Unit::Position, first: 64 });
        assert_eq!(
            of(MAPS, |_, y, _| y == 2 || y == 3),
            Pattern::OneRun { unit: Unit::Position, first: 32, last: 63 }
        );
        assert_eq!(
            of(MAPS, |_, _, x| x % 8 > 3),
            Pattern::Periodic { unit: Unit::Position, period: 8, first: 4, last: 7 }
        );
        let odd = Shape::blocked(13, 7, 13);
        assert_eq!(
            of(odd, |c, y, x| (c / 4 * 91 + y * 13 + x) % 32 > 15),
            Pattern::Periodic { unit: Unit::Vector, period: 32, first: 16, last: 31 }
        );
        assert_eq!(
            of(odd, |c, y, x| c / 4 * 91 + y * 13 + x >= 300),
            Pattern::Last { unit: Unit::Vector, first: 300 }
        );
        // One channel of several is no component of each vector, and what is wrong in a small map no edge.
        assert_eq!(of(Shape::blocked(5, 3, 2), |c, _, x| c == 1 && x == 0), Pattern::Scattered);
        assert_eq!(of(Shape::blocked(1, 3, 6), |_, y, x| y != 1 && x % 3 == 0), Pattern::Scattered);
        assert_eq!(of(MAPS, |c, y, x| (c * 7 + y * 5 + x * 3) % 11 == 0), Pattern::Scattered);
        let plain = Shape::planar(1, 12, 20);
        assert_eq!(
            of(plain, |_, _, column| column % 4 == 3),
            Pattern::Periodic { unit: Unit::Column, period: 4, first: 3, last: 3 }
        );
        assert_eq!(of(plain, |_, row, _| row >= 8), Pattern::Last { unit: Unit::Row, first: 8 });
        let matrix = Shape::blocked(9, 1, 9);
        assert_eq!(of(matrix, |row, _, column| column > row + 1), Pattern::AboveDiagonal);
        assert_eq!(of(matrix, |row, _, column| column < row), Pattern::BelowDiagonal);
    }
}

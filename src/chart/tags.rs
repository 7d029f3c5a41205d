//! Places of numbers beside marks, where they cover neither each other nor the marks.

use super::scene::Rectangle;

/// A mark that is numbered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    pub centre: (f64, f64),
    pub radius: f64,
}

/// Half the width and half the height of a number.
const HALF: (f64, f64) = (9.0, 8.0);
/// Distances from the edge of the mark that are tried, nearest first.
const DISTANCES: [f64; 7] = [9.0, 18.0, 28.0, 40.0, 54.0, 70.0, 90.0];
/// Directions that are tried at each distance.
const DIRECTIONS: usize = 16;

/// A centre for the number of each of the first `count` marks, in order, within `frame` and clear of `text`. A number
/// without a free place is put on its mark.
pub fn place(marks: &[Mark], count: usize, text: &[Rectangle], frame: Rectangle) -> Vec<(f64, f64)> {
    let mut taken: Vec<Rectangle> =
        marks.iter().map(|mark| around(mark.centre, mark.radius, mark.radius)).collect();
    taken.extend(text);
    let mut places = vec![];
    for mark in marks.iter().take(count) {
        let candidates = DISTANCES.iter().flat_map(|distance| {
            (0..DIRECTIONS).map(move |k| {
                let angle = std::f64::consts::TAU * k as f64 / DIRECTIONS as f64;
                let reach = mark.radius + distance;
                (mark.centre.0 + reach * angle.cos(), mark.centre.1 - reach * angle.sin())
            })
        });
        let free = |centre: &(f64, f64)| {
            let own = around(*centre, HALF.0, HALF.1);
            within(own, frame) && taken.iter().all(|other| !overlap(own, *other))
        };
        let place = candidates.into_iter().find(free).unwrap_or(mark.centre);
        taken.push(around(place, HALF.0, HALF.1));
        places.push(place);
    }
    places
}

fn around((x, y): (f64, f64), half_width: f64, half_height: f64) -> Rectangle {
    [x - half_width, y - half_height, x + half_width, y + half_height]
}

fn overlap(a: Rectangle, b: Rectangle) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

fn within(inner: Rectangle, outer: Rectangle) -> bool {
    inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] && inner[3] <= outer[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_crowd_keep_apart() {
        let marks: Vec<Mark> =
            (0..10).map(|k| Mark { centre: (300.0 + 4.0 * f64::from(k), 200.0), radius: 8.0 }).collect();
        let places = place(&marks, 10, &[[0.0, 0.0, 600.0, 190.0]], [0.0, 0.0, 600.0, 400.0]);
        for (i, a) in places.iter().enumerate() {
            let own = around(*a, HALF.0, HALF.1);
            assert!(within(own, [0.0, 190.0, 600.0, 400.0]), "{a:?} is in the text or outside");
            for b in &places[i + 1..] {
                assert!(!overlap(own, around(*b, HALF.0, HALF.1)), "{a:?} and {b:?}");
            }
            for mark in &marks {
                assert!(!overlap(own, around(mark.centre, mark.radius, mark.radius)), "{a:?} on {mark:?}");
            }
        }
    }

    #[test]
    fn a_number_without_space_is_on_its_mark() {
        let mark = Mark { centre: (5.0, 5.0), radius: 4.0 };
        assert_eq!(place(&[mark], 1, &[], [0.0, 0.0, 10.0, 10.0]), [(5.0, 5.0)]);
    }
}

//! The chart of losses: every term of some runs over their evaluations.

use serde::Deserialize;

use super::scene::{BODY, COLOURS, Colour, FAINT, GREY, HEADING, INK, Rectangle, Scene, Side, Stroke, TITLE};
use super::ticks::{self, Tick};
use crate::font;
use crate::report::number;

/// The losses of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What the legend calls it.
    pub name: String,
    /// Its evaluations, in order.
    pub evaluations: Vec<Losses>,
}

/// The losses of one evaluation, by the keys of a log. Terms are not multiplied by their weights; a loss that is
/// not finite is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Losses {
    /// Index of the evaluation in its run.
    pub iteration: usize,
    /// Index of the scale that it belongs to.
    #[serde(default)]
    pub scale: usize,
    /// Seconds since the run began.
    #[serde(default)]
    pub seconds: f64,
    /// The weighted sum that is minimised.
    pub total: Option<f64>,
    /// The content term.
    pub content: Option<f64>,
    /// The style term.
    pub style: Option<f64>,
    /// The total variation.
    pub tv: Option<f64>,
}

/// A number of each evaluation that can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// The weighted sum that is minimised.
    Total,
    /// The content term.
    Content,
    /// The style term.
    Style,
    /// The total variation.
    Tv,
}

impl Term {
    /// Every term, the sum first.
    pub const ALL: [Self; 4] = [Self::Total, Self::Content, Self::Style, Self::Tv];

    /// Its key in a log: `total`, `content`, `style` or `tv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Content => "content",
            Self::Style => "style",
            Self::Tv => "tv",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Total => "total loss",
            Self::Content => "content term",
            Self::Style => "style term",
            Self::Tv => "total variation",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Total => "The sum of the terms, each times its weight.",
            Self::Content => "Distance from the features and the tone of the content image.",
            Self::Style => "Distance from the Gram matrices of the style images.",
            Self::Tv => "Differences between neighbouring pixels.",
        }
    }

    /// Its value, if a logarithmic axis can show it.
    fn of(self, losses: &Losses) -> Option<f64> {
        let value = match self {
            Self::Total => losses.total,
            Self::Content => losses.content,
            Self::Style => losses.style,
            Self::Tv => losses.tv,
        };
        value.filter(|value| *value > 0.0 && value.is_finite())
    }
}

/// Left, top, right and bottom of all axes.
const FRAME: Rectangle = [80.0, 104.0, 860.0, 700.0];
/// Bottom of the large axes and top of the small ones where both are drawn.
const SPLIT: [f64; 2] = [424.0, 510.0];
/// Space between small axes, for the labels of ticks.
const GAP: f64 = 66.0;
/// Left and right of the legend.
const PANEL: [f64; 2] = [900.0, 1250.0];
/// Runs in the legend at most, with their results and with names alone, and the heights of each.
const SUMMARISED: usize = 8;
const ENTRY: f64 = 46.0;
const LISTED: usize = 18;
const NAME: f64 = 20.0;

/// The whole chart: the total in large axes with its terms below, or `only` one of them.
pub fn scene(runs: &[Run], only: Option<Term>) -> Scene {
    let mut scene = Scene::default();
    heading(&mut scene, runs, only);
    for (term, frame) in frames(runs, only) {
        draw_axes(&mut scene, runs, term, frame);
    }
    legend(&mut scene, runs);
    if only.is_none() {
        explain_terms(&mut scene);
    }
    notes(&mut scene, runs);
    scene
}

/// The terms that have values to draw, each with its axes' rectangle.
fn frames(runs: &[Run], only: Option<Term>) -> Vec<(Term, Rectangle)> {
    let [left, top, right, bottom] = FRAME;
    let has_values =
        |term: &Term| runs.iter().flat_map(|run| &run.evaluations).any(|losses| term.of(losses).is_some());
    let (first, below) = match only {
        Some(term) => (term, vec![]),
        None => (Term::Total, Term::ALL[1..].iter().copied().filter(has_values).collect()),
    };
    if below.is_empty() {
        return vec![(first, FRAME)];
    }
    let width = (right - left - GAP * (below.len() - 1) as f64) / below.len() as f64;
    let small = below.into_iter().enumerate().map(|(k, term)| {
        let left = left + k as f64 * (width + GAP);
        (term, [left, SPLIT[1], left + width, bottom])
    });
    [(first, [left, top, right, SPLIT[0]])].into_iter().chain(small).collect()
}

fn heading(scene: &mut Scene, runs: &[Run], only: Option<Term>) {
    let title = match runs {
        [run] => font::shortened(&format!("Losses of {}", run.name), TITLE, PANEL[1] - FRAME[0]),
        _ => format!("Losses of {} runs", runs.len()),
    };
    scene.text((FRAME[0], 30.0), &title, TITLE, INK, Side::Left);
    let (meaning, weights) = match only {
        None => {
            ("The total is the sum of the terms, each times its weight.", " Terms are shown without weights.")
        }
        Some(Term::Total) => (Term::Total.meaning(), ""),
        Some(term) => (term.meaning(), " Shown without its weight."),
    };
    let text = format!("{meaning}{weights} Loss axes are logarithmic.");
    scene.text((FRAME[0], 56.0), &text, BODY, GREY, Side::Left);
}

/// Where values stand in a rectangle: evaluations linearly to the right, losses logarithmically upwards.
struct Axes {
    frame: Rectangle,
    last: f64,
    /// Powers of ten at the bottom and at the top.
    y: (f64, f64),
}

impl Axes {
    fn of(runs: &[Run], term: Term, frame: Rectangle) -> Self {
        let losses = || runs.iter().flat_map(|run| &run.evaluations);
        let last = losses().map(|losses| losses.iteration).max().unwrap_or(0).max(1) as f64;
        let powers = || losses().filter_map(|losses| term.of(losses)).map(f64::log10);
        let low = powers().fold(f64::INFINITY, f64::min);
        let high = powers().fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return Self { frame, last, y: (0.0, 1.0) };
        }
        let space = (0.05 * (high - low)).max(0.01);
        Self { frame, last, y: (low - space, high + space) }
    }

    fn x(&self, evaluation: f64) -> f64 {
        let [left, _, right, _] = self.frame;
        left + evaluation / self.last * (right - left)
    }

    fn y(&self, loss: f64) -> f64 {
        let [_, top, _, bottom] = self.frame;
        bottom - (loss.log10() - self.y.0) / (self.y.1 - self.y.0) * (bottom - top)
    }
}

fn draw_axes(scene: &mut Scene, runs: &[Run], term: Term, frame: Rectangle) {
    let axes = Axes::of(runs, term, frame);
    draw_grid(scene, &axes, term);
    let mut starts: Vec<usize> = runs.iter().flat_map(scale_starts).collect();
    starts.sort_unstable();
    starts.dedup();
    for start in starts {
        let x = axes.x(start as f64);
        scene.stroke(&[(x, frame[1]), (x, frame[3])], GREY, 0.8, Stroke::Dashed);
    }
    for (k, run) in runs.iter().enumerate() {
        draw_run(scene, &axes, term, run, look(k));
    }
}

fn draw_grid(scene: &mut Scene, axes: &Axes, term: Term) {
    let [left, top, right, bottom] = axes.frame;
    let (wide, high) = ((right - left) / 110.0, (bottom - top) / 36.0);
    for tick in ticks::logarithmic(axes.y.0, axes.y.1, high as usize) {
        let y = axes.y(tick.value());
        scene.line(&[(left, y), (right, y)], FAINT, 1.0);
        scene.text((left - 8.0, y), &tick.label(), BODY, GREY, Side::Right);
    }
    let whole = |tick: &Tick| tick.value().fract() == 0.0;
    for tick in ticks::linear(0.0, axes.last, (wide as usize).max(3)).into_iter().filter(whole) {
        let x = axes.x(tick.value());
        scene.line(&[(x, top), (x, bottom)], FAINT, 1.0);
        scene.text((x, bottom + 15.0), &tick.label(), BODY, GREY, Side::Middle);
    }
    scene.line(&[(left, top), (left, bottom), (right, bottom)], GREY, 1.0);
    scene.text((left, top - 14.0), term.title(), HEADING, INK, Side::Left);
    scene.text(((left + right) / 2.0, bottom + 34.0), "evaluations", BODY, INK, Side::Middle);
}

/// Colour of a run; runs beyond the number of colours are dashed.
fn look(index: usize) -> (Colour, Stroke) {
    let is_first_round = (index / COLOURS.len()).is_multiple_of(2);
    let stroke = if is_first_round { Stroke::Solid } else { Stroke::Dashed };
    (COLOURS[index % COLOURS.len()], stroke)
}

/// The first evaluation of each scale but the first.
fn scale_starts(run: &Run) -> impl Iterator<Item = usize> {
    run.evaluations.windows(2).filter(|pair| pair[0].scale != pair[1].scale).map(|pair| pair[1].iteration)
}

/// A curve for each scale, with a ring where a scale begins. Values that cannot be drawn leave a gap.
fn draw_run(scene: &mut Scene, axes: &Axes, term: Term, run: &Run, (colour, stroke): (Colour, Stroke)) {
    for (k, scale) in run.evaluations.chunk_by(|a, b| a.scale == b.scale).enumerate() {
        let place =
            |losses: &Losses| term.of(losses).map(|value| (axes.x(losses.iteration as f64), axes.y(value)));
        let places: Vec<_> = scale.iter().map(place).collect();
        for stretch in places.split(Option::is_none) {
            let points: Vec<_> = stretch.iter().copied().flatten().collect();
            match points[..] {
                [] => {}
                [only] => scene.disc(only, 2.5, colour, true),
                _ => scene.stroke(&points, colour, 1.8, stroke),
            }
        }
        if let (1.., Some(Some(start))) = (k, places.first()) {
            scene.disc(*start, 4.0, colour, false);
        }
    }
}

fn legend(scene: &mut Scene, runs: &[Run]) {
    let [left, right] = PANEL;
    let mut y = FRAME[1] - 14.0;
    scene.text((left, y), "Runs", HEADING, INK, Side::Left);
    y += 26.0;
    let is_summarised = runs.len() <= SUMMARISED;
    for (k, run) in runs.iter().take(LISTED).enumerate() {
        let (colour, stroke) = look(k);
        scene.stroke(&[(left, y), (left + 28.0, y)], colour, 2.5, stroke);
        let name = font::shortened(&run.name, BODY, right - left - 40.0);
        scene.text((left + 40.0, y), &name, BODY, INK, Side::Left);
        if is_summarised {
            scene.text((left + 40.0, y + 17.0), &summary(run), BODY, GREY, Side::Left);
        }
        y += if is_summarised { ENTRY } else { NAME };
    }
    if let more @ 1.. = runs.len().saturating_sub(LISTED) {
        scene.text((left + 40.0, y), &format!("and {more} more"), BODY, GREY, Side::Left);
    }
}

/// The result of a run: the lowest total of its last scale.
fn summary(run: &Run) -> String {
    let Some(last) = run.evaluations.last() else { return "no evaluations".into() };
    let at_last_scale = run.evaluations.iter().filter(|losses| losses.scale == last.scale);
    let lowest = at_last_scale.filter_map(|losses| Term::Total.of(losses)).fold(f64::INFINITY, f64::min);
    let lowest = if lowest.is_finite() { number(lowest) } else { "not a number".into() };
    let scales = scale_starts(run).count() + 1;
    let scales = if scales > 1 { format!(" in {scales} scales") } else { String::new() };
    format!(
        "lowest total {lowest}; {} evaluations{scales}, {} s",
        run.evaluations.len(),
        number(last.seconds)
    )
}

fn explain_terms(scene: &mut Scene) {
    let (left, mut y) = (PANEL[0], SPLIT[1] - 14.0);
    scene.text((left, y), "Terms", HEADING, INK, Side::Left);
    y += 26.0;
    for term in &Term::ALL[1..] {
        scene.text((left, y), term.title(), BODY, INK, Side::Left);
        scene.text((left, y + 17.0), term.meaning(), BODY, GREY, Side::Left);
        y += ENTRY;
    }
}

fn notes(scene: &mut Scene, runs: &[Run]) {
    if runs.iter().all(|run| scale_starts(run).next().is_none()) {
        return;
    }
    let lines = [
        "Dashed lines and rings: the next larger scale begins.",
        "Losses of different scales are not comparable; the lowest total is that of the last scale.",
    ];
    for (k, line) in lines.iter().enumerate() {
        scene.text((FRAME[0], 760.0 + 18.0 * k as f64), line, BODY, GREY, Side::Left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scene::Item;

    fn run(name: &str, totals: &[f64]) -> Run {
        let losses = |(k, total): (usize, &f64)| Losses {
            iteration: k,
            scale: k / 3,
            seconds: k as f64,
            total: Some(*total),
            content: Some(2.0 * total),
            style: Some(0.5),
            tv: None,
        };
        Run { name: name.into(), evaluations: totals.iter().enumerate().map(losses).collect() }
    }

    fn texts(scene: &Scene) -> Vec<&str> {
        let text = |item: &'_ Item| matches!(item, Item::Text { .. });
        let items = scene.items.iter().filter(|item| text(item));
        items.map(|item| if let Item::Text { text, .. } = item { text.as_str() } else { "" }).collect()
    }

    /// Solid curves of a colour, in order.
    fn curves(scene: &Scene, wanted: Colour) -> Vec<&[(f64, f64)]> {
        let curve = |item| match item {
            &Item::Line { ref points, colour, width: 1.8, .. } if colour == wanted => Some(&points[..]),
            _ => None,
        };
        scene.items.iter().filter_map(curve).collect()
    }

    #[test]
    fn curves_follow_the_losses_and_break_where_a_scale_begins() {
        let scene = scene(&[run("a", &[100.0, 10.0, 1.0, 50.0, 5.0])], Some(Term::Total));
        let found = curves(&scene, COLOURS[0]);
        assert_eq!(found.iter().map(|curve| curve.len()).collect::<Vec<_>>(), [3, 2]);
        let [(left, top), (_, middle), (_, bottom)] = found[0] else { panic!("{found:?}") };
        assert!((*left - FRAME[0]).abs() < 1e-9 && FRAME[1] < *top && *bottom < FRAME[3]);
        assert!((middle - (top + bottom) / 2.0).abs() < 1e-9, "equal factors are equal distances");
        assert!((found[1][1].0 - FRAME[2]).abs() < 1e-9, "the last evaluation is at the right edge");
        let rings = scene.items.iter().filter(|item| matches!(item, Item::Disc { filled: false, .. }));
        assert_eq!(rings.count(), 1);
        assert!(texts(&scene).iter().any(|text| text.contains("next larger scale begins")));
    }

    #[test]
    fn each_term_with_values_has_axes_with_names() {
        let runs = [run("one", &[100.0, 10.0]), run("two", &[50.0, 5.0])];
        let all = scene(&runs, None);
        let found = texts(&all);
        let count = |wanted: &str| found.iter().filter(|text| **text == wanted).count();
        // Once above its axes, and again in the list that explains the terms.
        assert_eq!((count("total loss"), count("content term"), count("style term")), (1, 2, 2));
        assert_eq!((count("total variation"), count("evaluations")), (1, 3), "no run has a total variation");
        assert_eq!((count("one"), count("two")), (1, 1));
        assert!(!found.iter().any(|text| text.contains("scale begins")));
        let only = scene(&runs, Some(Term::Style));
        assert!(texts(&only).contains(&"style term") && !texts(&only).contains(&"content term"));
    }

    #[test]
    fn what_no_logarithm_shows_is_a_gap() {
        let mut gap = run("gap", &[9.0, f64::NAN, 7.0]);
        assert_eq!(curves(&scene(&[gap.clone()], Some(Term::Total)), COLOURS[0]).len(), 0);
        gap.evaluations.iter_mut().for_each(|losses| losses.total = None);
        for runs in [vec![gap], vec![run("none", &[])], vec![run("zero", &[0.0])], vec![]] {
            let drawn = scene(&runs, None).svg().unwrap();
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        }
    }

    #[test]
    fn names_in_the_legend_are_whole_or_shortened_within_the_chart() {
        let long = "a very long name ".repeat(20);
        let mut runs = vec![run(&long, &[1.0]), run("<Größe> & 日本", &[2.0])];
        let few = scene(&runs, None);
        assert!(few.svg().unwrap().contains("&lt;Größe&gt; &amp; 日本"));
        for item in &few.items {
            let Item::Text { at, text, size, side: Side::Left, .. } = item else { continue };
            assert!(at.0 + font::width(text, *size) < 1280.0, "{text}");
        }
        runs.extend((0..28).map(|k| run(&format!("run {k}"), &[3.0])));
        let many = scene(&runs, None);
        assert!(texts(&many).contains(&"and 12 more"));
        let lowest = many.items.iter().filter_map(|item| match item {
            Item::Text { at, text, .. } if text.starts_with("run ") || text.ends_with("more") => Some(at.1),
            _ => None,
        });
        assert!(lowest.fold(0.0, f64::max) < SPLIT[1] - 30.0, "the legend reaches into the list of terms");
    }
}

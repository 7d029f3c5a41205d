//! The roofline chart: every kernel by its arithmetic intensity and its performance, below the device's roofs.

use super::scene::{BODY, COLOURS, Colour, FAINT, GREY, HEADING, INK, OTHER, Rectangle, Scene, Side, TITLE};
use super::tags::{self, Mark};
use super::ticks::Tick;
use crate::font;
use crate::gpu::PassKind;
use crate::profiler::{KernelLine, Profile, Roofs};
use crate::report::{milliseconds, number, percent};

/// Left, top, right and bottom of the axes.
const FRAME: Rectangle = [80.0, 92.0, 860.0, 700.0];
/// Left and right of the lists beside it.
const PANEL: [f64; 2] = [890.0, 1250.0];
/// Kernels that get a number and a line in the list.
const LISTED: usize = 12;
/// Decades that are shown at most on either side of the ridge point, and below the roof of arithmetic.
const DECADES: f64 = 4.0;

/// The chart of a profile.
pub fn scene(profile: &Profile) -> Scene {
    let axes = Axes::of(profile);
    let colours = Colours::of(&profile.kernels);
    let mut scene = Scene::default();
    heading(&mut scene, profile);
    grid(&mut scene, &axes);
    roofs(&mut scene, &axes, &profile.roofs);
    let mut by_time: Vec<&KernelLine> = profile.kernels.iter().collect();
    by_time.sort_by(|a, b| b.seconds.median.total_cmp(&a.seconds.median));
    marks(&mut scene, &axes, &colours, &by_time, &profile.roofs);
    list(&mut scene, &colours, &by_time, &profile.roofs);
    legend(&mut scene, &colours);
    notes(&mut scene);
    scene
}

/// Logarithmic axes: the powers of ten at both ends of each.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn of(profile: &Profile) -> Self {
        let intensities = profile.kernels.iter().filter(|line| line.flops > 0.0 && line.bytes > 0.0);
        let intensities: Vec<f64> = intensities.map(|line| (line.flops / line.bytes).log10()).collect();
        let rates = profile.kernels.iter().filter(|line| line.flops > 0.0 && line.seconds.median > 0.0);
        let slowest = rates.map(|line| line.gflops().log10()).fold(f64::INFINITY, f64::min);
        let (ridge, roof) = (profile.roofs.ridge().log10(), profile.roofs.gflops.log10());
        let top = profile.roofs.highest_gflops();
        let last_ridge = (top / profile.roofs.gbytes).log10();
        let least = intensities.iter().copied().fold(ridge - 1.0, f64::min).max(ridge - DECADES);
        let most = intensities.iter().copied().fold(last_ridge + 1.0, f64::max).min(ridge + DECADES);
        let bottom = slowest.min(roof - 2.0).max(roof - DECADES);
        Self { x: (least.floor(), most.ceil()), y: (bottom.floor(), top.log10() + 0.4) }
    }

    /// The place of a value; on the edge if it lies beyond.
    fn place(&self, intensity: f64, gflops: f64) -> (f64, f64) {
        let along = |value: f64, (from, to): (f64, f64)| {
            let power = value.log10().clamp(from, to);
            (power - from) / (to - from)
        };
        let [left, top, right, bottom] = FRAME;
        (left + along(intensity, self.x) * (right - left), bottom - along(gflops, self.y) * (bottom - top))
    }

    /// The mark of a kernel. One without arithmetic is on the left edge, as far below the slanted roof as its
    /// bytes a second are below the roof of memory.
    fn mark(&self, line: &KernelLine) -> Mark {
        let edge = 10f64.powf(self.x.0);
        let (intensity, gflops) = match line.flops > 0.0 && line.bytes > 0.0 {
            true => (line.flops / line.bytes, line.gflops()),
            false => (edge, line.gbytes() * edge),
        };
        Mark { centre: self.place(intensity, gflops), radius: 3.5 + 22.0 * line.share.sqrt() }
    }
}

fn heading(scene: &mut Scene, profile: &Profile) {
    let work = &profile.workload;
    scene.text((FRAME[0], 28.0), &format!("Roofline of {}", profile.device.name), TITLE, INK, Side::Left);
    let what = format!(
        "{}, {} x {} pixels, {} ms of GPU time; {}",
        work.what,
        work.width,
        work.height,
        milliseconds(profile.totals.gpu.median),
        work.kernels
    );
    let what = font::shortened(&what, BODY, PANEL[1] - FRAME[0]);
    scene.text((FRAME[0], 54.0), &what, BODY, GREY, Side::Left);
    scene.text((FRAME[0], FRAME[1] - 14.0), "performance (GFLOP/s)", BODY, INK, Side::Left);
}

fn grid(scene: &mut Scene, axes: &Axes) {
    let [left, top, right, bottom] = FRAME;
    for power in axes.x.0 as i32..=axes.x.1 as i32 {
        let (x, _) = axes.place(10f64.powi(power), 1.0);
        scene.line(&[(x, top), (x, bottom)], FAINT, 1.0);
        scene.text((x, bottom + 16.0), &Tick::power_of_ten(power).label(), BODY, GREY, Side::Middle);
    }
    for power in axes.y.0.ceil() as i32..=axes.y.1.floor() as i32 {
        let (_, y) = axes.place(1.0, 10f64.powi(power));
        scene.line(&[(left, y), (right, y)], FAINT, 1.0);
        scene.text((left - 8.0, y), &Tick::power_of_ten(power).label(), BODY, GREY, Side::Right);
    }
    scene.line(&[(left, top), (left, bottom), (right, bottom)], GREY, 1.0);
    let label = "arithmetic intensity (FLOP/byte)";
    scene.text(((left + right) / 2.0, bottom + 38.0), label, BODY, INK, Side::Middle);
}

fn roofs(scene: &mut Scene, axes: &Axes, roofs: &Roofs) {
    let (first, last) = (10f64.powf(axes.x.0), 10f64.powf(axes.x.1));
    // The slanted roof begins where it enters the frame.
    let start = first.max(10f64.powf(axes.y.0) / roofs.gbytes);
    let slope_to = |gflops: f64| axes.place(gflops / roofs.gbytes, gflops);
    let foot = axes.place(start, start * roofs.gbytes);
    scene.line(&[foot, slope_to(roofs.highest_gflops())], INK, 2.0);
    for (gflops, what) in flat_roofs(roofs) {
        let end = axes.place(last, gflops);
        scene.line(&[slope_to(gflops), end], INK, 2.0);
        let label = format!("{} GFLOP/s ({what})", number(gflops));
        scene.text((end.0, end.1 - 13.0), &label, BODY, INK, Side::Right);
    }
    let ridge = slope_to(roofs.gflops);
    let middle = ((foot.0 + ridge.0) / 2.0, (foot.1 + ridge.1) / 2.0);
    let slanted = format!("{} GB/s (copies)", number(roofs.gbytes));
    scene.text((middle.0 - 12.0, middle.1 - 12.0), &slanted, BODY, INK, Side::Right);
}

/// The roofs of arithmetic, and the units whose they are.
fn flat_roofs(roofs: &Roofs) -> impl Iterator<Item = (f64, &'static str)> {
    let matrices = roofs.matrix_gflops.map(|gflops| (gflops, "matrix units, f16"));
    std::iter::once((roofs.gflops, "multiply-adds")).chain(matrices)
}

/// Large marks first, so that small ones lie on top.
fn marks(scene: &mut Scene, axes: &Axes, colours: &Colours, by_time: &[&KernelLine], roofs: &Roofs) {
    for line in by_time {
        let mark = axes.mark(line);
        scene.disc(mark.centre, mark.radius, colours.of_line(line), line.pass == PassKind::Forward);
    }
    let all: Vec<Mark> = by_time.iter().map(|line| axes.mark(line)).collect();
    let labels: Vec<Rectangle> = flat_roofs(roofs)
        .map(|(gflops, _)| {
            let (_, roof) = axes.place(1.0, gflops);
            [FRAME[2] - 190.0, roof - 24.0, FRAME[2], roof]
        })
        .collect();
    let places = tags::place(&all, LISTED, &labels, FRAME);
    for (k, (mark, place)) in all.iter().zip(places).enumerate() {
        let (dx, dy) = (place.0 - mark.centre.0, place.1 - mark.centre.1);
        let distance = dx.hypot(dy);
        if distance > mark.radius + 15.0 {
            let at =
                |reach: f64| (mark.centre.0 + dx * reach / distance, mark.centre.1 + dy * reach / distance);
            scene.line(&[at(mark.radius), at(distance - 9.0)], GREY, 1.0);
        }
        scene.text(place, &(k + 1).to_string(), BODY, INK, Side::Middle);
    }
}

fn list(scene: &mut Scene, colours: &Colours, by_time: &[&KernelLine], roofs: &Roofs) {
    let [left, right] = PANEL;
    let (time, share, roof) = (right - 128.0, right - 66.0, right);
    let mut y = 104.0;
    scene.text((left, y), "Slowest kernels", HEADING, INK, Side::Left);
    for (x, title) in [(time, "ms"), (share, "share"), (roof, "of roof")] {
        scene.text((x, y), title, BODY, GREY, Side::Right);
    }
    for (k, line) in by_time.iter().take(LISTED).enumerate() {
        y += 23.0;
        scene.text((left + 16.0, y), &(k + 1).to_string(), BODY, INK, Side::Right);
        scene.disc((left + 30.0, y - 1.0), 5.0, colours.of_line(line), line.pass == PassKind::Forward);
        let name = font::shortened(&format!("{} {}", line.layer, line.pass), BODY, time - left - 90.0);
        scene.text((left + 42.0, y), &name, BODY, INK, Side::Left);
        scene.text((time, y), &milliseconds(line.seconds.median), BODY, INK, Side::Right);
        scene.text((share, y), &percent(line.share), BODY, INK, Side::Right);
        let part = line.of_roof(roofs).map_or_else(|| "-".into(), |of_roof| percent(of_roof.part));
        scene.text((roof, y), &part, BODY, INK, Side::Right);
    }
}

fn legend(scene: &mut Scene, colours: &Colours) {
    let [left, right] = PANEL;
    let mut y = 104.0 + 23.0 * LISTED as f64 + 46.0;
    scene.text((left, y), "Colours", HEADING, INK, Side::Left);
    scene.text((right - 66.0, y), "share", BODY, GREY, Side::Right);
    for (name, share, colour) in &colours.legend {
        y += 22.0;
        scene.disc((left + 30.0, y - 1.0), 5.0, *colour, true);
        scene.text((left + 42.0, y), name, BODY, INK, Side::Left);
        scene.text((right - 66.0, y), &percent(*share), BODY, INK, Side::Right);
    }
}

fn notes(scene: &mut Scene) {
    let lines = [
        "Larger marks take more of the time. Filled: forward pass; rings: other passes. Marks on an edge lie beyond.",
        "Kernels without arithmetic: on the left edge, as far below the slanted roof as their GB/s are below it.",
    ];
    for (k, line) in lines.iter().enumerate() {
        scene.text((FRAME[0], 762.0 + 18.0 * k as f64), line, BODY, GREY, Side::Left);
    }
}

/// A colour for each of the kernels that take the most time, and one for the others.
struct Colours {
    /// Name, share of the time and colour, the largest share first.
    legend: Vec<(String, f64, Colour)>,
}

impl Colours {
    fn of(kernels: &[KernelLine]) -> Self {
        let mut sums: Vec<(String, f64)> = vec![];
        for line in kernels {
            match sums.iter_mut().find(|(name, _)| *name == line.kernel) {
                Some((_, share)) => *share += line.share,
                None => sums.push((line.kernel.clone(), line.share)),
            }
        }
        sums.sort_by(|a, b| b.1.total_cmp(&a.1));
        let rest: f64 = sums.iter().skip(COLOURS.len()).map(|(_, share)| share).sum();
        let few = sums.len() <= COLOURS.len();
        let mut legend: Vec<_> =
            sums.into_iter().zip(COLOURS).map(|((name, share), colour)| (name, share, colour)).collect();
        if !few {
            legend.push(("others".into(), rest, OTHER));
        }
        Self { legend }
    }

    fn of_line(&self, line: &KernelLine) -> Colour {
        let found = self.legend.iter().find(|(name, ..)| *name == line.kernel);
        found.map_or(OTHER, |(.., colour)| *colour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scene::Item;
    use crate::report::fixture::profile;

    #[test]
    fn marks_are_placed_by_their_numbers() {
        let profile = profile();
        let axes = Axes::of(&profile);
        // 50 GFLOP/s is half of the roof: log10(2) below it, right of the ridge at 10 FLOP/byte.
        let mark = axes.mark(&profile.kernels[0]).centre;
        let roof = axes.place(50.0, 100.0);
        let decade = axes.place(50.0, 10.0).1 - roof.1;
        assert!((mark.0 - roof.0).abs() < 1e-9);
        assert!(((mark.1 - roof.1) / decade - 2f64.log10()).abs() < 1e-9);
        // A copy at a fifth of the memory's roof: log10(5) below the slanted roof at the left edge.
        let copy = axes.mark(&profile.kernels[1]).centre;
        let edge = 10f64.powf(axes.x.0);
        let slanted = axes.place(edge, edge * 10.0);
        assert_eq!(copy.0, FRAME[0]);
        assert!(((copy.1 - slanted.1) / decade - 5f64.log10()).abs() < 1e-9);
    }

    /// The roof of matrix units has a line and a label of its own, above the other, within the frame.
    #[test]
    fn matrix_units_have_a_roof_of_their_own() {
        let mut profile = profile();
        let has = |profile: &Profile, wanted: &str| {
            let scene = scene(profile);
            scene.items.iter().any(|item| matches!(item, Item::Text { text, .. } if text.contains(wanted)))
        };
        assert!(!has(&profile, "matrix units"));
        profile.roofs.matrix_gflops = Some(2000.0);
        assert!(
            has(&profile, "2000 GFLOP/s (matrix units, f16)") && has(&profile, "100 GFLOP/s (multiply-adds)")
        );
        let axes = Axes::of(&profile);
        let [matrices, plain] = [2000.0, 100.0].map(|gflops| axes.place(1000.0, gflops).1);
        assert!(FRAME[1] < matrices && matrices < plain && plain < FRAME[3], "{matrices} {plain}");
    }

    #[test]
    fn marks_beyond_the_axes_are_on_the_edge() {
        let mut profile = profile();
        profile.kernels[0].flops = 1.0;
        profile.kernels[0].bytes = 1e9;
        let axes = Axes::of(&profile);
        assert_eq!(axes.mark(&profile.kernels[0]).centre, (FRAME[0], FRAME[3]));
    }

    #[test]
    fn many_kernels_share_the_last_colour() {
        let mut profile = profile();
        let line = profile.kernels[0].clone();
        profile.kernels = (0..12).map(|k| KernelLine { kernel: format!("op/{k}"), ..line.clone() }).collect();
        let scene = scene(&profile);
        let has = |wanted: &str| {
            scene.items.iter().any(|item| matches!(item, Item::Text { text, .. } if text == wanted))
        };
        assert!(has("others") && has("op/6") && !has("op/7"));
    }
}

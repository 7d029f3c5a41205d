//! The chart of ladders: a bar for each rung and pass, under the roof of the device.

use super::scene::{BODY, COLOURS, Colour, FAINT, GREY, HEADING, INK, Rectangle, Scene, Side, TITLE};
use crate::font;
use crate::ladder::{Ladder, PassTiming, Record, Rung};
use crate::ops::variants::Pass;
use crate::profiler::{Bound, Roofs};
use crate::report::{heading, milliseconds, number};

/// Left, top, right and bottom of the bars.
const FRAME: Rectangle = [260.0, 96.0, 1040.0, 752.0];
/// Height of a row, at most, and of what stands between two ladders.
const ROW: f64 = 30.0;
/// Rows of a ladder besides its bars: its title, and a space.
const EXTRA_ROWS: f64 = 2.0;

/// The chart of a record.
pub fn scene(record: &Record) -> Scene {
    let mut scene = Scene::default();
    let title = format!("Kernels on {}", record.device.name);
    scene.text((40.0, 28.0), &title, TITLE, INK, Side::Left);
    let notes = "Bars: operations of the definition per second, or bytes where memory bounds the ladder. Dashed: the roof, measured.";
    scene.text((40.0, 54.0), notes, BODY, GREY, Side::Left);
    let groups: Vec<Group> = record.ladders.iter().map(|ladder| Group::of(ladder, &record.roofs)).collect();
    let rows: f64 = groups.iter().map(|group| group.bars.len() as f64 + EXTRA_ROWS).sum();
    let row = ((FRAME[3] - FRAME[1]) / rows.max(1.0)).min(ROW);
    let mut y = FRAME[1];
    for group in &groups {
        group.draw(&mut scene, y, row);
        y += (group.bars.len() as f64 + EXTRA_ROWS) * row;
    }
    scene
}

/// The bars of one ladder.
struct Group {
    title: String,
    unit: &'static str,
    roof: f64,
    bars: Vec<Bar>,
}

struct Bar {
    name: String,
    rate: f64,
    note: String,
    colour: Colour,
}

impl Group {
    fn of(ladder: &Ladder, roofs: &Roofs) -> Self {
        let timed = || ladder.rungs.iter().flat_map(|rung| rung.passes.iter().map(move |pass| (rung, pass)));
        let of_memory = timed().all(|(_, pass)| pass.of_roof.is_some_and(|of| of.bound == Bound::Memory));
        let is_one_pass = timed().all(|(_, pass)| pass.pass == Pass::Forward);
        let bars = timed().map(|(rung, pass)| Bar::of(rung, pass, of_memory, is_one_pass)).collect();
        let (unit, roof) = if of_memory { ("GB/s", roofs.gbytes) } else { ("GFLOP/s", roofs.gflops) };
        Self { title: heading(ladder), unit, roof, bars }
    }

    /// The rate at the right end of the frame. Matrix units exceed the roof of multiply-adds.
    fn scale(&self) -> f64 {
        self.bars.iter().map(|bar| bar.rate).fold(self.roof, f64::max)
    }

    fn draw(&self, scene: &mut Scene, top: f64, row: f64) {
        let [left, _, right, _] = FRAME;
        let place = |rate: f64| left + rate / self.scale().max(1e-9) * (right - left);
        let bottom = top + (self.bars.len() as f64 + 1.0) * row;
        scene.text(
            (40.0, top),
            &font::shortened(&self.title, HEADING, right - 40.0),
            HEADING,
            INK,
            Side::Left,
        );
        scene.line(&[(left, top + row / 2.0), (left, bottom)], FAINT, 1.0);
        for (k, bar) in self.bars.iter().enumerate() {
            let y = top + (k as f64 + 1.0) * row;
            let name = font::shortened(&bar.name, BODY, left - 60.0);
            scene.text((left - 10.0, y), &name, BODY, INK, Side::Right);
            scene.line(&[(left, y), (place(bar.rate), y)], bar.colour, 0.6 * row);
            let value = format!("{} {}{}", number(bar.rate), self.unit, bar.note);
            scene.text((place(bar.rate) + 8.0, y), &value, BODY, INK, Side::Left);
        }
        let roof = place(self.roof);
        scene.stroke(&[(roof, top + row / 2.0), (roof, bottom)], INK, 1.0, super::scene::Stroke::Dashed);
        let label = format!("{} {}", number(self.roof), self.unit);
        scene.text((roof, top + row * 0.2), &label, BODY, INK, Side::Middle);
    }
}

impl Bar {
    fn of(rung: &Rung, timing: &PassTiming, of_memory: bool, is_one_pass: bool) -> Self {
        let name = if is_one_pass { rung.name.clone() } else { format!("{} {}", rung.name, timing.pass) };
        let rate = if of_memory { timing.gbytes() } else { timing.direct_gflops() };
        let verdict = if rung.fault().is_some() { ", wrong" } else { "" };
        let note = format!(", {} ms{verdict}", milliseconds(timing.seconds.median));
        let is_forward = timing.pass == Pass::Forward;
        Self { name, rate, note, colour: COLOURS[if is_forward { 0 } else { 1 }] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scene::Item;
    use crate::gpu::Clock;
    use crate::profiler::{Device, OfRoof, Spread};

    fn record(bound: Bound) -> Record {
        let pass = |gflops: f64| PassTiming {
            pass: Pass::Forward,
            seconds: Spread::of(&[1.0]),
            runs: 1,
            flops: gflops * 1e9,
            direct_flops: gflops * 1e9,
            bytes: 2.0 * gflops * 1e9,
            of_roof: Some(OfRoof { part: 0.5, bound }),
            speedup: None,
            kernels: vec![],
        };
        let rung =
            |name: &str, gflops| Rung { name: name.into(), passes: vec![pass(gflops)], ..Rung::default() };
        let ladder = Ladder {
            op: "matmul".into(),
            inputs: vec!["8x8".into()],
            output: "8x8".into(),
            precision: "f32".into(),
            rungs: vec![rung("slow", 10.0), rung("fast", 50.0)],
        };
        Record {
            format: Record::FORMAT,
            version: String::new(),
            device: Device { name: "a GPU".into(), backend: String::new(), driver: String::new() },
            clock: Clock::Wall,
            roofs: Roofs { gflops: 100.0, gbytes: 200.0, matrix_gflops: None },
            layer: None,
            size: 8,
            ladders: vec![ladder],
        }
    }

    /// Lengths of the bars over the distance to the roof.
    fn lengths(scene: &Scene) -> Vec<f64> {
        let left = FRAME[0];
        let across = |points: &[(f64, f64)]| (points[0].1 == points[1].1).then(|| points[1].0 - left);
        let roof = scene.items.iter().find_map(|item| match item {
            Item::Line { points, stroke: crate::chart::scene::Stroke::Dashed, .. } => {
                Some(points[0].0 - left)
            }
            _ => None,
        });
        let bars = scene.items.iter().filter_map(|item| match item {
            Item::Line { points, .. } => across(points),
            _ => None,
        });
        bars.map(|bar| bar / roof.unwrap()).collect()
    }

    #[test]
    fn bars_are_as_long_as_their_rates_under_the_roof() {
        assert_eq!(lengths(&scene(&record(Bound::Compute))), [0.1, 0.5]);
        // Bytes, where memory bounds them all: 20 and 100 of 200.
        assert_eq!(lengths(&scene(&record(Bound::Memory))), [0.1, 0.5]);
        let text = |wanted: &str| {
            let scene = scene(&record(Bound::Memory));
            scene.items.iter().any(|item| matches!(item, Item::Text { text, .. } if text.contains(wanted)))
        };
        assert!(text("100 GB/s") && text("fast") && text("matmul: 8x8 to 8x8") && !text("GFLOP/s"));
    }
}

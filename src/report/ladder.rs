//! Ladders as text: a line per pass of each rung.

use super::table::{clock_line, device_line, plus_minus, roofs_line};
use super::text::{Align, columns, milliseconds, number, number_or_dash, percent};
use crate::ladder::{Ladder, PassTiming, Record, Rung};
use crate::ops::variants::Pass;

/// Device and shapes, then every ladder.
pub fn ladders(record: &Record) -> String {
    let size = record.size;
    let shapes = match &record.layer {
        Some(layer) => format!("shapes    {layer}, in an image of {size} x {size} pixels\n"),
        None => String::new(),
    };
    let [device, clock] = [device_line(&record.device), clock_line(record.clock)];
    let heading = device + &shapes + &clock + &roofs_line(&record.roofs);
    std::iter::once(heading).chain(record.ladders.iter().map(ladder)).collect::<Vec<_>>().join("\n")
}

/// A table, remarks on rungs, and the fastest rung of each pass.
fn ladder(ladder: &Ladder) -> String {
    let title = heading(ladder) + "\n";
    let header = [
        ("", Align::Left),
        ("pass", Align::Left),
        ("ms", Align::Right),
        ("spread", Align::Right),
        ("runs", Align::Right),
        ("GFLOP/s", Align::Right),
        ("direct", Align::Right),
        ("GB/s", Align::Right),
        ("of roof", Align::Right),
        ("bound by", Align::Left),
        ("faster", Align::Right),
        ("off by", Align::Right),
        ("check", Align::Left),
    ];
    // A single rung leaves nothing to choose.
    let has_choice = ladder.rungs.len() > 1;
    let rows: Vec<Vec<String>> = (0..ladder.rungs.len()).flat_map(|k| rows(ladder, k)).collect();
    let mut text = title + &columns(&header, &rows);
    ladder.rungs.iter().filter_map(remark).for_each(|remark| text += &remark);
    if rows.iter().flatten().any(|cell| cell.starts_with('~')) {
        text += "~ spreads overlap: these timings do not tell it from the variant above it ('spread'), or from the first ('faster')\n";
    }
    if has_choice && ladder.rungs.iter().any(|rung| !rung.used.is_empty()) {
        text += "* marks what a painting runs here\n";
    }
    let fastest: Vec<String> = Pass::ALL
        .into_iter()
        .filter_map(|pass| {
            let (rung, timing) = ladder.fastest(pass)?;
            let time = milliseconds(timing.seconds.median);
            let rivals = ladder.rivals(pass).map(|rival| rival.name.as_str()).collect::<Vec<_>>().join(", ");
            let rivals = if rivals.is_empty() { rivals } else { format!(" (~ {rivals})") };
            Some(format!("fastest {pass}: {}, {time} ms{rivals}", rung.name))
        })
        .collect();
    if has_choice && !fastest.is_empty() {
        text += &(fastest.join("; ") + "\n");
    }
    text
}

/// Operation, shapes and precision.
pub fn heading(ladder: &Ladder) -> String {
    format!("{}: {} to {}, {}", ladder.op, inputs(ladder), ladder.output, ladder.precision)
}

/// Shapes of the inputs; several inputs have the same shape.
fn inputs(ladder: &Ladder) -> String {
    match &ladder.inputs[..] {
        [first, second] => format!("{first} and {second}"),
        [first, _, ..] => format!("{} of {first}", ladder.inputs.len()),
        few => few.join(", "),
    }
}

/// One line for each pass of a rung, marked if a painting runs the rung there; one alone for a rung that was not timed.
fn rows(ladder: &Ladder, number: usize) -> Vec<Vec<String>> {
    let rung = &ladder.rungs[number];
    let has_choice = ladder.rungs.len() > 1;
    let name = |used| format!("{} {}", if has_choice && used { '*' } else { ' ' }, rung.name);
    if rung.passes.is_empty() {
        let mut cells = vec!["-".to_string(); 13];
        cells[0] = name(!rung.used.is_empty());
        cells[12] = verdict(rung).into();
        return vec![cells];
    }
    let before = &ladder.rungs[..number];
    let row = |timing: &PassTiming| row(name(rung.used.contains(&timing.pass)), rung, timing, before);
    rung.passes.iter().map(row).collect()
}

/// `~` where a pass takes as long as that of another rung, as far as the spread of the timings shows.
fn mark(timing: &PassTiming, other: Option<&PassTiming>) -> &'static str {
    let is_close = other.is_some_and(|other| other.seconds.overlaps(&timing.seconds));
    if is_close { "~" } else { "" }
}

/// `before` are the rungs above it.
fn row(name: String, rung: &Rung, timing: &PassTiming, before: &[Rung]) -> Vec<String> {
    let mut others = before.iter().filter_map(|rung| rung.pass(timing.pass));
    let first = before.first().and_then(|rung| rung.pass(timing.pass));
    let [above, first] = [others.next_back(), first].map(|other| mark(timing, other));
    let off = rung.check.as_ref().map(|check| match timing.pass {
        Pass::Forward => check.forward,
        Pass::Backward => check.backward,
    });
    let dash = || "-".to_string();
    vec![
        name,
        timing.pass.name().into(),
        milliseconds(timing.seconds.median),
        // One run has no spread.
        if timing.runs > 1 { format!("{above}{}", plus_minus(&timing.seconds)) } else { dash() },
        timing.runs.to_string(),
        number_or_dash(timing.gflops()),
        number_or_dash(timing.direct_gflops()),
        number_or_dash(timing.gbytes()),
        timing.of_roof.map_or_else(dash, |of_roof| percent(of_roof.part)),
        timing.of_roof.map_or_else(dash, |of_roof| of_roof.bound.to_string()),
        timing.speedup.map_or_else(dash, |faster| format!("{first}{}x", number(faster))),
        off.map_or_else(dash, |off| if off == 0.0 { "0".into() } else { format!("{off:.0e}") }),
        verdict(rung).into(),
    ]
}

fn verdict(rung: &Rung) -> &'static str {
    match &rung.check {
        None if rung.missing.is_some() => "unsupported",
        None if rung.untimed.is_some() => "FAILED",
        None => "-",
        Some(check) if check.wrong.is_some() => "WRONG",
        Some(_) if rung.untimed.is_some() => "FAILED",
        Some(_) => "ok",
    }
}

/// The line below the table about a rung that is missing or faulty.
fn remark(rung: &Rung) -> Option<String> {
    let Rung { name, .. } = rung;
    let missing = rung.missing.as_ref().map(|missing| format!("{name}: unsupported: needs {missing}\n"));
    missing.or_else(|| rung.fault().map(|fault| format!("{name}: {}: {fault}\n", verdict(rung))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiler::Spread;

    fn ladder(spreads: &[[f64; 3]]) -> Ladder {
        let rung = |(number, [low, median, high]): (usize, &[f64; 3])| {
            let seconds = Spread { low: *low, median: *median, high: *high };
            let speedup = Some(spreads[0][1] / median);
            let timing = PassTiming {
                pass: Pass::Forward,
                seconds,
                runs: 5,
                flops: 1.0,
                direct_flops: 1.0,
                bytes: 1.0,
                of_roof: None,
                speedup,
                kernels: vec![],
            };
            Rung { name: format!("rung{number}"), passes: vec![timing], ..Rung::default() }
        };
        Ladder {
            op: "matmul".into(),
            inputs: vec!["8x8".into()],
            output: "8x8".into(),
            precision: "f32".into(),
            rungs: spreads.iter().enumerate().map(rung).collect(),
        }
    }

    /// Against the variant above, and against the first; those that may be as fast as the fastest are named with it.
    #[test]
    fn what_timings_do_not_tell_apart_is_marked() {
        let text =
            super::ladder(&ladder(&[[3.0, 4.0, 5.0], [1.9, 2.0, 2.2], [2.1, 2.2, 4.0], [6.0, 7.0, 9.0]]));
        let line = |name: &str| {
            let found = text.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
            found.split_whitespace().map(String::from).collect::<Vec<_>>()
        };
        let marks = ["rung0", "rung1", "rung2", "rung3"].map(|name| {
            let line = line(name);
            [&line[3], &line[10]].map(|cell| cell.starts_with('~'))
        });
        assert_eq!(marks, [[false, false], [false, false], [true, true], [false, false]], "{text}");
        assert!(text.contains("~ spreads overlap") && text.contains("rung1, 2000 ms (~ rung2)\n"), "{text}");
        let clear = super::ladder(&ladder(&[[3.0, 4.0, 5.0], [1.9, 2.0, 2.2]]));
        assert!(!clear.contains('~') && clear.contains('±'), "{clear}");
        let mut once = ladder(&[[3.0, 3.0, 3.0]]);
        once.rungs[0].passes[0].runs = 1;
        assert!(!super::ladder(&once).contains('±'));
    }
}

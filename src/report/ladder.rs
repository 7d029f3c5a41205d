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
    let title = format!("{}: {} to {}, {}\n", ladder.op, inputs(ladder), ladder.output, ladder.precision);
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
    let rows: Vec<Vec<String>> = ladder.rungs.iter().flat_map(|rung| rows(has_choice, rung)).collect();
    let mut text = title + &columns(&header, &rows);
    ladder.rungs.iter().filter_map(remark).for_each(|remark| text += &remark);
    if has_choice && ladder.rungs.iter().any(|rung| !rung.used.is_empty()) {
        text += "* marks what a painting runs here\n";
    }
    let fastest: Vec<String> = Pass::ALL
        .into_iter()
        .filter_map(|pass| {
            let (rung, timing) = ladder.fastest(pass)?;
            Some(format!("fastest {pass}: {}, {} ms", rung.name, milliseconds(timing.seconds.median)))
        })
        .collect();
    if has_choice && !fastest.is_empty() {
        text += &(fastest.join("; ") + "\n");
    }
    text
}

/// Shapes of the inputs; several inputs have the same shape.
fn inputs(ladder: &Ladder) -> String {
    match &ladder.inputs[..] {
        [first, second] => format!("{first} and {second}"),
        [first, _, ..] => format!("{} of {first}", ladder.inputs.len()),
        few => few.join(", "),
    }
}

/// One line for each pass, marked if a painting runs the rung there; one alone for a rung that was not timed.
fn rows(has_choice: bool, rung: &Rung) -> Vec<Vec<String>> {
    let name = |used| format!("{} {}", if has_choice && used { '*' } else { ' ' }, rung.name);
    if rung.passes.is_empty() {
        let mut cells = vec!["-".to_string(); 13];
        cells[0] = name(!rung.used.is_empty());
        cells[12] = verdict(rung).into();
        return vec![cells];
    }
    rung.passes.iter().map(|timing| row(name(rung.used.contains(&timing.pass)), rung, timing)).collect()
}

fn row(name: String, rung: &Rung, timing: &PassTiming) -> Vec<String> {
    let off = rung.check.as_ref().map(|check| match timing.pass {
        Pass::Forward => check.forward,
        Pass::Backward => check.backward,
    });
    let dash = || "-".to_string();
    vec![
        name,
        timing.pass.name().into(),
        milliseconds(timing.seconds.median),
        plus_minus(&timing.seconds),
        timing.runs.to_string(),
        number_or_dash(timing.gflops()),
        number_or_dash(timing.direct_gflops()),
        number_or_dash(timing.gbytes()),
        timing.of_roof.map_or_else(dash, |of_roof| percent(of_roof.part)),
        timing.of_roof.map_or_else(dash, |of_roof| of_roof.bound.to_string()),
        timing.speedup.map_or_else(dash, |faster| format!("{}x", number(faster))),
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

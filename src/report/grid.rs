//! Which rung wins at which layer: a table for each operation and pass, a line for each layer.

use super::text::{Align, columns, milliseconds};
use crate::ladder::{Ladder, Rung};
use crate::ops::variants::Pass;
use crate::vgg19::LayerId;

/// Milliseconds of every rung at every layer, the fastest marked. `ladders` has those of one operation for each layer.
pub fn layer_grid(ladders: &[(LayerId, Ladder)]) -> String {
    let Some((_, first)) = ladders.first() else { return String::new() };
    let mut text = String::new();
    for pass in Pass::ALL {
        let names: Vec<&str> =
            first.rungs.iter().filter(|rung| rung.missing.is_none()).map(|rung| &*rung.name).collect();
        let is_timed = ladders.iter().any(|(_, ladder)| ladder.fastest(pass).is_some());
        if is_timed {
            text += &format!("{} {pass}, {}, milliseconds; * is the fastest\n", first.op, first.precision);
            text += &table(ladders, pass, &names);
            text.push('\n');
        }
    }
    let faulty =
        ladders.iter().flat_map(|(layer, ladder)| ladder.rungs.iter().map(move |rung| (layer, rung)));
    for (layer, rung) in faulty {
        if let Some(fault) = rung.fault() {
            text += &format!("{layer} {}: {fault}\n", rung.name);
        }
    }
    text
}

fn table(ladders: &[(LayerId, Ladder)], pass: Pass, names: &[&str]) -> String {
    let mut header = vec![("layer", Align::Left), ("shape", Align::Left)];
    header.extend(names.iter().map(|name| (*name, Align::Right)));
    let rows: Vec<Vec<String>> = ladders
        .iter()
        .map(|(layer, ladder)| {
            let fastest = ladder.fastest(pass).map(|(rung, _)| rung.name.as_str());
            let cells = names.iter().map(|name| {
                let rung = ladder.rungs.iter().find(|rung| rung.name == *name);
                cell(rung, pass, fastest == Some(name))
            });
            [layer.to_string(), ladder.inputs.first().cloned().unwrap_or_default()]
                .into_iter()
                .chain(cells)
                .collect()
        })
        .collect();
    columns(&header, &rows)
}

fn cell(rung: Option<&Rung>, pass: Pass, is_fastest: bool) -> String {
    let mark = if is_fastest { "*" } else { "" };
    match rung.and_then(|rung| rung.pass(pass)) {
        Some(timing) => format!("{mark}{}", milliseconds(timing.seconds.median)),
        None => "-".into(),
    }
}

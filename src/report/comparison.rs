//! Two profiles as text.

use super::text::{Align, columns, milliseconds, number};
use crate::gpu::mebibytes;
use crate::profiler::{Change, Comparison, Spread};

/// One line an operation of a layer, then totals. Old over new: above 1 is faster. What lies within the
/// spread of both may be chance and is marked with `~`.
pub fn comparison(comparison: &Comparison) -> String {
    let header = [
        ("layer", Align::Left),
        ("pass", Align::Left),
        ("kernel", Align::Left),
        ("old ms", Align::Right),
        ("new ms", Align::Right),
        ("faster", Align::Right),
    ];
    let mut rows: Vec<Vec<String>> = comparison.changes.iter().map(row).collect();
    let (old, new) = (&comparison.old.totals, &comparison.new.totals);
    for (name, old, new) in [
        ("all kernels", old.kernels, new.kernels),
        ("GPU time", old.gpu, new.gpu),
        ("wall time", old.wall, new.wall),
    ] {
        let total = Change {
            pass: String::new(),
            layer: name.into(),
            old_kernel: String::new(),
            new_kernel: String::new(),
            old: Some(old),
            new: Some(new),
        };
        rows.push(row(&total));
    }
    let mut text = String::new();
    for difference in &comparison.differences {
        text += &format!("not alike in {difference}\n");
    }
    text += &columns(&header, &rows);
    let memory = [&comparison.old, &comparison.new].map(|profile| mebibytes(profile.memory.total));
    text + &format!(
        "memory: {}, then {}\n~ lies within the spread of the measurements\n",
        memory[0], memory[1]
    )
}

fn row(change: &Change) -> Vec<String> {
    let time =
        |spread: Option<Spread>| spread.map_or_else(|| "-".into(), |spread| milliseconds(spread.median));
    let kernel = match (change.old_kernel.as_str(), change.new_kernel.as_str()) {
        (old, new) if old == new || old.is_empty() => new.to_string(),
        (old, "") => old.to_string(),
        (old, new) => format!("{old} > {new}"),
    };
    let faster = match change.speedup() {
        Some(speedup) if change.is_certain() => format!("{}x", number(speedup)),
        Some(speedup) => format!("~{}x", number(speedup)),
        None if change.old.is_none() => "new".into(),
        None => "gone".into(),
    };
    vec![change.layer.clone(), change.pass.clone(), kernel, time(change.old), time(change.new), faster]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::tests::{line, profile};

    #[test]
    fn variants_meet_by_operation_and_noise_is_marked() {
        let (old, mut new) = (profile(), profile());
        new.workload.width = 128;
        new.kernels = vec![
            line("forward", "conv1_1", "conv/4_input", 0.1),
            line("forward", "conv1_1", "conv/4_product", 0.4),
            line("backward", "conv1_1", "conv/2_tiled", 1.9),
            line("update", "adam", "adam/step", 1.0),
        ];
        let found = Comparison::of(old, new);
        assert_eq!(found.changes.len(), 4);
        assert!((found.changes[0].speedup().unwrap() - 2.0).abs() < 1e-9);
        assert!(found.changes[0].is_certain() && !found.changes[2].is_certain());
        let text = comparison(&found);
        let has = |start: &str, words: &[&str]| {
            let found =
                text.lines().find(|line| line.starts_with(start) && words.iter().all(|w| line.contains(w)));
            assert!(found.is_some(), "{start} {words:?} in {text}");
        };
        has("conv1_1", &["forward", "conv/2_tiled > conv/4_product", "1.00", "0.500", " 2.00x"]);
        has("conv1_1", &["backward", "~1.05x"]);
        has("conv1_2", &["copy/texture", "gone"]);
        has("adam", &["update", "new"]);
        has("not alike in size: 64 x 48, then 128 x 48", &[]);
        has("wall time", &["~1.00x"]);
    }
}

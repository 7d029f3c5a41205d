//! Comparison of two profiles as text.

use super::text::{Align, columns, milliseconds, number};
use crate::gpu::mebibytes;
use crate::profiler::{BeforeAfter, Change, Comparison, Spread};

/// A table with one line per operation of a layer, then totals. `names` are those of the old and the new profile in the
/// header. `faster` is old over new: above 1 is faster. `~` marks differences within the spread of both measurements.
pub fn comparison(comparison: &Comparison, names: [&str; 2]) -> String {
    let milliseconds = names.map(|name| format!("{name} ms"));
    let header = [
        ("layer", Align::Left),
        ("pass", Align::Left),
        ("kernel", Align::Left),
        (&*milliseconds[0], Align::Right),
        (&*milliseconds[1], Align::Right),
        ("faster", Align::Right),
    ];
    let mut rows: Vec<Vec<String>> =
        comparison.changes.iter().map(|change| change_row(change, names)).collect();
    let (old, new) = (&comparison.old.totals, &comparison.new.totals);
    let totals = [
        ("all kernels", old.kernels, new.kernels),
        ("GPU time", old.gpu, new.gpu),
        ("wall time", old.wall, new.wall),
    ];
    for (name, old, new) in totals {
        let seconds = BeforeAfter { old: Some(old), new: Some(new) };
        rows.push(row([name.into(), String::new(), String::new()], &seconds, names));
    }
    let mut text = String::new();
    for difference in &comparison.differences {
        text += &format!("the profiles differ in {difference}\n");
    }
    text += &columns(&header, &rows);
    let memory = [&comparison.old, &comparison.new].map(|profile| mebibytes(profile.memory.total));
    text + &format!(
        "memory: {}, then {}\n~ the difference lies within the spread of the measurements\n",
        memory[0], memory[1]
    )
}

fn change_row(change: &Change, profiles: [&str; 2]) -> Vec<String> {
    let kernel = match (change.old_kernel.as_str(), change.new_kernel.as_str()) {
        (old, new) if old == new || old.is_empty() => new.to_string(),
        (old, "") => old.to_string(),
        (old, new) => format!("{old} > {new}"),
    };
    row([change.layer.clone(), change.pass.to_string(), kernel], &change.seconds, profiles)
}

fn row(names: [String; 3], seconds: &BeforeAfter, profiles: [&str; 2]) -> Vec<String> {
    let time =
        |spread: Option<Spread>| spread.map_or_else(|| "-".into(), |spread| milliseconds(spread.median));
    let faster = match seconds.speedup() {
        Some(speedup) if seconds.is_certain() => format!("{}x", number(speedup)),
        Some(speedup) => format!("~{}x", number(speedup)),
        None if seconds.old.is_none() => format!("only {}", profiles[1]),
        None => format!("only {}", profiles[0]),
    };
    names.into_iter().chain([time(seconds.old), time(seconds.new), faster]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::PassKind;
    use crate::report::fixture::{line, profile};

    #[test]
    fn kernels_are_matched_by_operation_and_noise_is_marked() {
        let (old, mut new) = (profile(), profile());
        new.workload.width = 128;
        new.kernels = vec![
            line(PassKind::Forward, "conv1_1", "conv/4_input", 0.1),
            line(PassKind::Forward, "conv1_1", "conv/4_product", 0.4),
            line(PassKind::Backward, "conv1_1", "conv/2_tiled", 1.9),
            line(PassKind::Update, "adam", "adam/step", 1.0),
        ];
        let found = Comparison::of(old, new);
        assert_eq!(found.changes.len(), 4);
        assert!((found.changes[0].seconds.speedup().unwrap() - 2.0).abs() < 1e-9);
        assert!(found.changes[0].seconds.is_certain() && !found.changes[2].seconds.is_certain());
        let text = comparison(&found, ["old", "new"]);
        let has = |start: &str, words: &[&str]| {
            let found =
                text.lines().find(|line| line.starts_with(start) && words.iter().all(|w| line.contains(w)));
            assert!(found.is_some(), "{start} {words:?} in {text}");
        };
        has("conv1_1", &["forward", "conv/2_tiled > conv/4_product", "1.00", "0.500", " 2.00x"]);
        has("conv1_1", &["backward", "~1.05x"]);
        has("conv1_2", &["copy/texture", "only old"]);
        has("adam", &["update", "only new"]);
        has("the profiles differ in size: 64 x 48, then 128 x 48", &[]);
        has("wall time", &["~1.00x"]);
    }
}

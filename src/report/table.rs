//! A profile as text: a line per kernel, then sums.

use std::collections::BTreeMap;

use super::text::{Align, columns, milliseconds, number, number_or_dash, percent};
use crate::gpu::{Clock, mebibytes};
use crate::profiler::{Device, KernelLine, Profile, Roofs, Spread};

/// The whole report: device and workload, every kernel, sums by kernel, totals.
pub fn table(profile: &Profile) -> String {
    [heading(profile), kernel_table(&profile.kernels, &profile.roofs), by_kernel(profile), totals(profile)]
        .join("\n")
}

fn heading(profile: &Profile) -> String {
    let Profile { device, workload, .. } = profile;
    format!(
        "{}workload  {}, {} x {} pixels, {} evaluations\nkernels   {}\n{}{}",
        device_line(device),
        workload.what,
        workload.width,
        workload.height,
        workload.evaluations,
        workload.kernels,
        clock_line(profile.clock),
        roofs_line(&profile.roofs)
    )
}

pub(super) fn device_line(device: &Device) -> String {
    format!("device    {} ({}), {}\n", device.name, device.backend, device.driver)
}

pub(super) fn clock_line(clock: Clock) -> String {
    let clock = match clock {
        Clock::Timestamps => "timestamps of the device around every dispatch",
        Clock::Wall => {
            "wall clock, since this adapter has no timestamps; each time includes the round trip to the device"
        }
    };
    format!("clock     {clock}\n")
}

/// The roofs, as a line of the heading.
pub fn roofs_line(roofs: &Roofs) -> String {
    let matrices =
        roofs.matrix_gflops.map(|gflops| format!("{} GFLOP/s (matrix units, f16), ", number(gflops)));
    format!(
        "roofs     {} GFLOP/s (FMA loop), {}{} GB/s (copy), measured; ridge point at {} FLOP/byte\n",
        number(roofs.gflops),
        matrices.unwrap_or_default(),
        number(roofs.gbytes),
        number(roofs.ridge())
    )
}

/// A header and a line per kernel.
pub fn kernel_table(kernels: &[KernelLine], roofs: &Roofs) -> String {
    let header = [
        ("layer", Align::Left),
        ("kernel", Align::Left),
        ("pass", Align::Left),
        ("ms", Align::Right),
        ("spread", Align::Right),
        ("GFLOP/s", Align::Right),
        ("direct", Align::Right),
        ("GB/s", Align::Right),
        ("of roof", Align::Right),
        ("bound by", Align::Left),
        ("groups", Align::Right),
        ("share", Align::Right),
    ];
    let rows: Vec<Vec<String>> = kernels.iter().map(|line| row(line, roofs)).collect();
    columns(&header, &rows)
}

fn row(line: &KernelLine, roofs: &Roofs) -> Vec<String> {
    let of_roof = line.of_roof(roofs);
    let times = if line.launches > 1 { format!(" x{}", line.launches) } else { String::new() };
    vec![
        line.layer.clone(),
        format!("{}{times}", line.kernel),
        line.pass.to_string(),
        milliseconds(line.seconds.median),
        plus_minus(&line.seconds),
        number_or_dash(line.gflops()),
        number_or_dash(line.direct_gflops()),
        number_or_dash(line.gbytes()),
        of_roof.map_or_else(|| "-".into(), |of_roof| percent(of_roof.part)),
        of_roof.map_or_else(|| "-".into(), |of_roof| of_roof.bound.to_string()),
        if line.workgroups == 0 { "-".into() } else { line.workgroups.to_string() },
        percent(line.share),
    ]
}

/// Sums over the layers, the slowest kernel first.
fn by_kernel(profile: &Profile) -> String {
    let mut sums: BTreeMap<&str, (usize, f64, f64, f64)> = BTreeMap::new();
    for line in &profile.kernels {
        let (launches, seconds, flops, direct) = sums.entry(&line.kernel).or_default();
        *launches += line.launches;
        *seconds += line.seconds.median;
        *flops += line.flops;
        *direct += line.direct_flops;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|a, b| b.1.1.total_cmp(&a.1.1));
    let all: f64 = sums.iter().map(|(_, (_, seconds, ..))| seconds).sum();
    let rate = |amount: f64, seconds: f64| number_or_dash(amount / seconds.max(1e-12) * 1e-9);
    let rows: Vec<Vec<String>> = sums
        .iter()
        .map(|(kernel, (launches, seconds, flops, direct))| {
            vec![
                kernel.to_string(),
                launches.to_string(),
                milliseconds(*seconds),
                rate(*flops, *seconds),
                rate(*direct, *seconds),
                percent(seconds / all.max(1e-12)),
            ]
        })
        .collect();
    let header = [
        ("by kernel", Align::Left),
        ("launches", Align::Right),
        ("ms", Align::Right),
        ("GFLOP/s", Align::Right),
        ("direct", Align::Right),
        ("share", Align::Right),
    ];
    columns(&header, &rows)
}

fn totals(profile: &Profile) -> String {
    let totals = &profile.totals;
    let time = |spread: &Spread| format!("{} ms {}", milliseconds(spread.median), plus_minus(spread));
    let [flops, direct] = [|line: &KernelLine| line.flops, |line: &KernelLine| line.direct_flops]
        .map(|count| profile.kernels.iter().map(count).sum::<f64>() / totals.gpu.median.max(1e-12) * 1e-9);
    let busy = totals.gpu.median / totals.wall.median.max(1e-12);
    let uses = profile.memory.by_use.iter().filter(|(_, bytes)| **bytes > 0);
    let uses: Vec<_> = uses.map(|(what, bytes)| format!("{what} {}", mebibytes(*bytes))).collect();
    format!(
        "per evaluation\n  \
         kernels   {}\n  \
         GPU time  {}, from the first command to the last; kernels fill {} of it\n  \
         wall time {}, from one evaluation to the next; GPU time is {} of it\n  \
         rate      {} GFLOP/s; {} if the operations of the definition are counted\n\
         memory      {} (peak {}): {}\n",
        time(&totals.kernels),
        time(&totals.gpu),
        percent(totals.kernels.median / totals.gpu.median.max(1e-12)),
        time(&totals.wall),
        percent(busy),
        number(flops),
        number(direct),
        mebibytes(profile.memory.total),
        mebibytes(profile.memory.peak),
        uses.join(", ")
    )
}

pub(super) fn plus_minus(spread: &Spread) -> String {
    let relative = spread.relative();
    // Few evaluations, and another program that used the device during one of them.
    if relative > 9.99 { "±>999%".into() } else { format!("±{}", percent(relative)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::profile;

    #[test]
    fn each_kernel_has_a_line_with_every_number() {
        let text = table(&profile());
        let found = text.lines().find(|line| line.starts_with("conv1_1") && line.contains("forward"));
        let words: Vec<&str> = found.unwrap().split_whitespace().collect();
        let want = [
            "conv1_1",
            "conv/2_tiled",
            "forward",
            "1.00",
            "±10%",
            "50.0",
            "100",
            "1.00",
            "50%",
            "compute",
            "128",
            "50%",
        ];
        assert_eq!(words, want);
        let copy: Vec<&str> =
            text.lines().find(|line| line.contains("copy/texture")).unwrap().split_whitespace().collect();
        assert_eq!(copy[5..], ["-", "-", "2.00", "20%", "memory", "-", "50%"]);
        let sums: Vec<&str> = text.lines().filter(|line| line.starts_with("conv/2_tiled")).collect();
        assert_eq!(sums.len(), 1, "{text}");
        assert!(sums[0].contains("3.00"), "{text}");
        assert!(text.contains("roofs     100 GFLOP/s (FMA loop), 10.0 GB/s (copy)"), "{text}");
        assert!(text.contains("kernels fill 97% of it") && text.contains("GPU time is 90% of it"), "{text}");
        assert!(text.contains("weights 1.0 MiB"), "{text}");
    }

    /// A kernel on matrix units is held against their roof.
    #[test]
    fn the_roof_of_matrix_units_is_named() {
        let mut profile = profile();
        profile.roofs.matrix_gflops = Some(1000.0);
        profile.kernels[0].on_matrix_units = true;
        let text = table(&profile);
        assert!(text.contains("(FMA loop), 1000 GFLOP/s (matrix units, f16), 10.0 GB/s"), "{text}");
        let line = text.lines().find(|line| line.starts_with("conv1_1") && line.contains("forward")).unwrap();
        assert!(line.contains(" 10%  memory"), "{line}");
    }

    #[test]
    fn the_wall_clock_is_named_as_such() {
        let mut profile = profile();
        assert!(!table(&profile).contains("no timestamps"));
        profile.clock = Clock::Wall;
        assert!(table(&profile).contains("no timestamps"));
    }
}

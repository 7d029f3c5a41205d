//! The kernels of a profile as comma-separated values, for spreadsheets and scripts.

use crate::profiler::Profile;

const HEADER: &str = "pass,layer,kernel,launches,workgroups,flops,direct_flops,bytes,seconds_low,seconds_median,\
    seconds_high,gflops,direct_gflops,gbytes,part_of_roof,bound,share";

/// A header and a line per kernel. Operations, bytes and seconds are those of an evaluation, rates are in 10^9 per
/// second. Unknown values are empty.
pub fn csv(profile: &Profile) -> String {
    let mut text = HEADER.to_string() + "\n";
    for line in &profile.kernels {
        let of_roof = line.of_roof(&profile.roofs);
        let numbers = [line.flops, line.direct_flops, line.bytes].map(|value| value.to_string());
        let seconds =
            [line.seconds.low, line.seconds.median, line.seconds.high].map(|value| format!("{value:e}"));
        let rates = [line.gflops(), line.direct_gflops(), line.gbytes()].map(|value| format!("{value:.4}"));
        let mut cells = vec![line.pass.to_string(), quoted(&line.layer), quoted(&line.kernel)];
        cells.extend([line.launches.to_string(), line.workgroups.to_string()]);
        cells.extend(numbers.into_iter().chain(seconds).chain(rates));
        cells.push(of_roof.map_or_else(String::new, |of_roof| format!("{:.4}", of_roof.part)));
        cells.push(of_roof.map_or_else(String::new, |of_roof| of_roof.bound.to_string()));
        cells.push(format!("{:.6}", line.share));
        text += &(cells.join(",") + "\n");
    }
    text
}

/// A cell, quoted as in RFC 4180 if it has a comma, a quote or a line end.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::profile;

    #[test]
    fn every_line_has_every_column() {
        let mut profile = profile();
        profile.kernels[0].layer = "a, \"b\"".into();
        let text = csv(&profile);
        let mut lines = text.lines();
        let columns = lines.next().unwrap().split(',').count();
        assert_eq!(lines.clone().count(), 3);
        assert!(lines.next().unwrap().starts_with("forward,\"a, \"\"b\"\"\",conv/2_tiled,1,128,50000000,"));
        for line in lines {
            assert_eq!(line.split(',').count(), columns, "{line}");
        }
    }
}

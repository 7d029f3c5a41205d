//! What binds a rung, and what to try: a sentence for each pass, where its figures bear one out.

use super::text::{milliseconds, number, percent};
use crate::ladder::{PassTiming, Record, Rung};
use crate::profiler::{Bound, Roofs};

/// From this part of a roof on, the roof is what binds a kernel.
const NEAR: f64 = 0.6;
/// Below this part of both roofs neither binds it.
const FAR: f64 = 0.4;
/// Launches shorter than this are bound by being launches.
const LAUNCH: f64 = 6e-6;
/// Timings with a wider spread than this say too little.
const NOISE: f64 = 0.25;
/// A kernel that takes this part of a pass is named.
const MOST: f64 = 0.5;

/// A line for each pass of each rung about which the figures say something.
pub fn advice(record: &Record) -> String {
    let rungs = record.ladders.iter().flat_map(|ladder| ladder.rungs.iter().map(move |rung| (ladder, rung)));
    let lines = rungs.flat_map(|(ladder, rung)| {
        let has_one_pass = ladder.rungs.iter().all(|rung| rung.passes.len() < 2);
        rung.passes.iter().filter_map(move |timing| {
            let pass = if has_one_pass { String::new() } else { format!(" {}", timing.pass) };
            Some(format!("{} {}{pass}: {}\n", ladder.op, rung.name, sentence(rung, timing, &record.roofs)?))
        })
    });
    lines.collect()
}

/// What binds a pass, and what to try.
fn sentence(rung: &Rung, timing: &PassTiming, roofs: &Roofs) -> Option<String> {
    let of_roof = timing.of_roof?;
    let is_noisy = timing.seconds.relative() > NOISE;
    if rung.fault().is_some() || is_noisy {
        return None;
    }
    let launches: usize = timing.kernels.iter().map(|line| line.launches).sum();
    let each = timing.seconds.median / launches.max(1) as f64;
    let memory = timing.gbytes() / roofs.gbytes;
    let part = percent(of_roof.part);
    let what = match of_roof.bound {
        Bound::Memory if of_roof.part > 1.0 => {
            format!("its data is in a cache, {part} of the roof of memory: give it more data")
        }
        _ if each < LAUNCH && of_roof.part < FAR => format!(
            "{launches} launches of {} us each, which is what a launch takes: do more in one",
            number(each * 1e6)
        ),
        Bound::Memory if of_roof.part >= NEAR => format!(
            "memory, {part} of the roof: only fewer bytes make it faster, as a neighbour's work in the same pass"
        ),
        Bound::Compute if of_roof.part >= NEAR => {
            format!("arithmetic, {part} of the roof: only fewer operations make it faster, or matrix units")
        }
        Bound::Matrices if of_roof.part >= NEAR => format!("matrix units, {part} of the roof"),
        _ if of_roof.part < FAR => format!(
            "{part} of the roof of {}, and its tensors cross memory at {} of that roof: it waits within the kernel, for loads \
             of the same numbers again, workgroup memory, barriers or latency",
            of_roof.bound,
            percent(memory)
        ),
        _ => return None,
    };
    let longest = timing.kernels.iter().max_by(|a, b| a.seconds.median.total_cmp(&b.seconds.median));
    let named =
        longest.filter(|line| timing.kernels.len() > 1 && line.seconds.median > MOST * timing.seconds.median);
    let share = named.map_or_else(String::new, |line| {
        format!("; {} ms of it are {}", milliseconds(line.seconds.median), line.kernel)
    });
    Some(what + &share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::variants::Pass;
    use crate::profiler::{OfRoof, Spread};

    const ROOFS: Roofs = Roofs { gflops: 100.0, gbytes: 10.0, matrix_gflops: None };

    /// A pass of a millisecond at these parts of both roofs.
    fn pass(compute: f64, memory: f64) -> PassTiming {
        let (part, bound) =
            if compute > memory { (compute, Bound::Compute) } else { (memory, Bound::Memory) };
        PassTiming {
            pass: Pass::Forward,
            seconds: Spread::of(&[1e-3]),
            runs: 1,
            flops: compute * 1e8,
            direct_flops: compute * 1e8,
            bytes: memory * 1e7,
            of_roof: Some(OfRoof { part, bound }),
            speedup: None,
            kernels: vec![],
        }
    }

    fn says(timing: &PassTiming) -> Option<String> {
        sentence(&Rung::default(), timing, &ROOFS)
    }

    #[test]
    fn sentences_follow_from_the_figures() {
        assert!(says(&pass(0.1, 0.83)).unwrap().starts_with("memory, 83% of the roof: only fewer bytes"));
        assert!(says(&pass(0.75, 0.1)).unwrap().starts_with("arithmetic, 75% of the roof"));
        let far = says(&pass(0.08, 0.003)).unwrap();
        assert!(far.starts_with("8.0% of the roof of compute") && far.contains("0.3% of that roof"), "{far}");
        assert!(says(&pass(0.1, 1.6)).unwrap().contains("in a cache"));
        let short = PassTiming { seconds: Spread::of(&[4e-6]), ..pass(0.01, 0.02) };
        assert!(says(&short).unwrap().contains("launches of 4.00 us each"));
    }

    #[test]
    fn nothing_is_said_that_the_figures_do_not_bear_out() {
        assert_eq!(says(&pass(0.5, 0.1)), None);
        let noisy =
            PassTiming { seconds: Spread { low: 0.5e-3, median: 1e-3, high: 2e-3 }, ..pass(0.08, 0.003) };
        assert_eq!(says(&noisy), None);
        assert_eq!(says(&PassTiming { of_roof: None, ..pass(0.9, 0.1) }), None);
        let failed = Rung { untimed: Some("no memory".into()), ..Rung::default() };
        assert_eq!(sentence(&failed, &pass(0.9, 0.1), &ROOFS), None);
    }
}

//! Timings as a trace in Chrome's JSON format, for Perfetto (ui.perfetto.dev) and chrome://tracing.

use serde_json::{Value, json};

use super::text::percent;
use crate::gpu::Timing;

/// The rows of the trace, top to bottom: number and name.
const EVALUATIONS: (u32, &str) = (1, "evaluations");
const PASSES: (u32, &str) = (2, "passes");
const LAYERS: (u32, &str) = (3, "layers");
const KERNELS: (u32, &str) = (4, "kernels");

/// Microseconds between two evaluations, which were measured apart.
const GAP: f64 = 100.0;

/// The text of a JSON file with the evaluations in sequence, on the device's clock. `title` names the process, such as
/// the device.
pub fn trace(evaluations: &[Vec<Timing>], title: &str) -> String {
    let mut events = vec![name("process_name", 0, title)];
    events.extend([EVALUATIONS, PASSES, LAYERS, KERNELS].map(|(row, label)| name("thread_name", row, label)));
    let mut begin = 0.0;
    for (k, timings) in evaluations.iter().enumerate() {
        for timing in timings {
            events.push(kernel(timing, begin));
        }
        for pass in timings.chunk_by(|a, b| a.pass == b.pass) {
            events.push(around(PASSES, &pass[0].pass.to_string(), pass, begin));
        }
        let all: f64 = timings.iter().map(|timing| timing.seconds).sum();
        for layer in timings.chunk_by(|a, b| a.pass == b.pass && a.label == b.label) {
            events.push(share(layer, all, begin));
        }
        if !timings.is_empty() {
            events.push(around(EVALUATIONS, &format!("evaluation {}", k + 1), timings, begin));
        }
        begin += end(timings) * 1e6 + GAP;
    }
    json!({ "traceEvents": events, "displayTimeUnit": "ms" }).to_string()
}

fn name(what: &str, row: u32, label: &str) -> Value {
    json!({ "name": what, "ph": "M", "pid": 1, "tid": row, "args": { "name": label } })
}

/// Rounds microseconds to nanoseconds.
fn microseconds(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn kernel(timing: &Timing, begin: f64) -> Value {
    let rate = |amount: f64| microseconds(amount / timing.seconds.max(1e-12) * 1e-9);
    let [x, y, z] = timing.groups;
    json!({
        "name": format!("{} {}", timing.label, timing.kernel),
        "cat": timing.kernel,
        "ph": "X",
        "pid": 1,
        "tid": KERNELS.0,
        "ts": microseconds(begin + timing.start * 1e6),
        "dur": microseconds(timing.seconds * 1e6),
        "args": {
            "layer": timing.label,
            "kernel": timing.kernel,
            "pass": timing.pass,
            "workgroups": format!("{x} x {y} x {z}"),
            "GFLOP/s": rate(timing.work.flops),
            "GFLOP/s, direct": rate(timing.work.direct_flops),
            "GB/s": rate(timing.work.bytes),
        },
    })
}

/// An event that spans these timings, which are in order.
fn around((row, _): (u32, &str), label: &str, timings: &[Timing], begin: f64) -> Value {
    let start = timings.first().map_or(0.0, |timing| timing.start);
    json!({
        "name": label,
        "ph": "X",
        "pid": 1,
        "tid": row,
        "ts": microseconds(begin + start * 1e6),
        "dur": microseconds((end(timings) - start) * 1e6),
    })
}

/// The event of a layer in one pass, with its part of the time of all kernels.
fn share(layer: &[Timing], all: f64, begin: f64) -> Value {
    let seconds: f64 = layer.iter().map(|timing| timing.seconds).sum();
    let part = seconds / all.max(1e-12);
    let mut event = around(LAYERS, &format!("{} {}", layer[0].label, percent(part)), layer, begin);
    event["args"] = json!({ "pass": layer[0].pass, "share": part });
    event
}

fn end(timings: &[Timing]) -> f64 {
    timings.iter().map(|timing| timing.start + timing.seconds).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::{PassKind, Work};

    fn timing(pass: PassKind, start: f64, seconds: f64) -> Timing {
        let work = Work { flops: 1e6, direct_flops: 2e6, bytes: 0.0 };
        Timing {
            on_matrix_units: false,
            pass,
            label: "conv1_1".into(),
            kernel: "conv/1_naive",
            groups: [4, 2, 1],
            work,
            start,
            seconds,
        }
    }

    #[test]
    fn the_trace_is_chromes_json_with_events_inside_each_other() {
        let evaluation = vec![
            timing(PassKind::Forward, 0.0, 0.001),
            timing(PassKind::Forward, 0.001, 0.002),
            timing(PassKind::Backward, 0.004, 0.001),
        ];
        let text = trace(&[evaluation.clone(), evaluation], "Card");
        let parsed: Value = serde_json::from_str(&text).unwrap();
        let events = parsed["traceEvents"].as_array().unwrap();
        let of = |row: u32| -> Vec<&Value> {
            events.iter().filter(|event| event["ph"] == "X" && event["tid"] == row).collect()
        };
        assert_eq!((of(1).len(), of(2).len(), of(3).len(), of(4).len()), (2, 4, 4, 6));
        assert_eq!(events.iter().filter(|event| event["ph"] == "M").count(), 5);
        assert_eq!((of(4)[1]["ts"].as_f64(), of(4)[1]["dur"].as_f64()), (Some(1000.0), Some(2000.0)));
        assert_eq!((of(1)[0]["dur"].as_f64(), of(1)[1]["ts"].as_f64()), (Some(5000.0), Some(5100.0)));
        assert_eq!((of(2)[0]["name"].as_str(), of(2)[0]["dur"].as_f64()), (Some("forward"), Some(3000.0)));
        assert_eq!(of(4)[0]["args"]["workgroups"], "4 x 2 x 1");
        assert_eq!(of(4)[0]["args"]["GFLOP/s"], 1.0);
        // Three milliseconds of four.
        assert_eq!(
            (of(3)[0]["name"].as_str(), of(3)[0]["dur"].as_f64()),
            (Some("conv1_1 75%"), Some(3000.0))
        );
        assert_eq!(of(3)[0]["args"]["share"], 0.75);
    }
}

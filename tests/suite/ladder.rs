//! Ladders: every rung is found, checked and timed, and a wrong one is named.

use std::path::Path;

use crate::common;
use crate::common::test_folder::impasto_in;
use impasto::Error;
use impasto::error::{Remedy, Setting};
use impasto::gpu::{Gpu, GpuOptions, Precision};
use impasto::ladder::{BENCHMARKS, Benchmark, Effort, Ladder, ProblemSize, Record, Rung};
use impasto::ops::variants::{Pass, TunedOp};
use impasto::profiler::{KernelLine, Roofs};
use impasto::report;
use impasto::vgg19::LayerId;
use serde_json::Value;

const ROOFS: Roofs = Roofs { gflops: 100.0, gbytes: 10.0, matrix_gflops: None };

const EFFORT: Effort = Effort { seconds: 0.0, check: true, all: true, only: None };

fn size(side: u32) -> ProblemSize {
    ProblemSize { layer: "conv2_1".parse().unwrap(), side, precision: Precision::F32 }
}

fn run(gpu: &Gpu, benchmark: &str, size: &ProblemSize) -> Ladder {
    let kernels = common::kernels(&["gram=tiled", "conv3x3:backward=tiled"]);
    Ladder::run(gpu, Benchmark::of_name(benchmark).unwrap(), size, &kernels, EFFORT, &mut |_| ())
}

fn check_rung(rung: &Rung) {
    assert_eq!(rung.fault(), None, "{}", rung.name);
    let Some(check) = &rung.check else {
        // Absent, and it is said why.
        assert!(rung.missing.is_some() && rung.passes.is_empty(), "{rung:?}");
        return;
    };
    assert!(check.cases > 10 && check.forward > 0.0 && check.forward < check.tolerance, "{rung:?}");
    for pass in Pass::ALL {
        let timing = rung.pass(pass).unwrap();
        assert!(timing.runs >= 3 && timing.seconds.median > 0.0, "{timing:?}");
        assert!(timing.flops > 0.0 && timing.bytes > 0.0 && timing.speedup.unwrap() > 0.0, "{timing:?}");
        let of_pass = |line: &KernelLine| line.pass == pass.into() && line.layer == "conv2_1";
        assert!(timing.kernels.iter().all(of_pass), "{timing:?}");
    }
}

#[test]
fn every_rung_is_found_and_right() {
    let gpu = common::fast_gpu();
    let names = |ladder: &Ladder| ladder.rungs.iter().map(|rung| rung.name.clone()).collect::<Vec<_>>();
    let variants = |op: TunedOp| op.variants().map(|variant| variant.name.to_string()).collect::<Vec<_>>();
    let used = |ladder: &Ladder, pass: Pass| {
        let used = ladder.rungs.iter().filter(|rung| rung.used.contains(&pass)).map(|rung| rung.name.clone());
        used.collect::<Vec<_>>()
    };
    let conv = run(gpu, "conv3x3", &size(16));
    assert_eq!(names(&conv), variants(TunedOp::Conv3x3));
    assert_eq!((conv.inputs[0].as_str(), conv.output.as_str()), ("64x8x8", "128x8x8"));
    assert_eq!(Pass::ALL.map(|pass| used(&conv, pass)), [["naive"], ["tiled"]]);
    let gram = run(gpu, "gram", &size(16));
    assert_eq!(names(&gram), variants(TunedOp::Gram));
    assert_eq!((gram.inputs[0].as_str(), gram.output.as_str()), ("128x8x8", "128x1x128"));
    assert_eq!(Pass::ALL.map(|pass| used(&gram, pass)), [["tiled"]; 2]);
    conv.rungs.iter().chain(&gram.rungs).for_each(check_rung);
    // Winograd's methods do fewer operations than the definition, which counts alike for all.
    let forward = |name: &str| {
        let rung = conv.rungs.iter().find(|rung| rung.name == name);
        rung.and_then(|rung| rung.pass(Pass::Forward)).map(|timing| (timing.flops, timing.direct_flops))
    };
    let direct = 2.0 * 9.0 * 64.0 * 128.0 * 64.0;
    assert_eq!(forward("naive").unwrap(), (direct, direct));
    if let Some((done, counted)) = forward("winograd_f2") {
        assert!(done < direct && counted == direct, "{done} {counted}");
    }

    let record = Record::new(gpu, ROOFS, &size(16), vec![conv, gram]);
    record.verdict().unwrap();
    let passes = record.ladders.iter().flat_map(|ladder| &ladder.rungs).flat_map(|rung| &rung.passes);
    assert!(passes.clone().count() >= 4 && passes.clone().all(|pass| pass.of_roof.is_some()));
    let text = report::ladders(&record);
    assert!(text.contains("* naive") && text.contains("fastest forward: "), "{text}");
    assert_eq!(text.contains("unsupported: needs"), text.contains("  unsupported\n"), "{text}");
}

/// Half-precision storage has cases of its own, with a tolerance of its own.
#[test]
fn f16_is_checked_as_such() {
    let half = ProblemSize { precision: Precision::F16, ..size(16) };
    let gpu = common::fast_gpu();
    let pool = run(gpu, "pool_avg", &half);
    assert_eq!((pool.precision.as_str(), pool.rungs[0].fault()), ("f16", None));
    assert!(pool.rungs[0].check.as_ref().unwrap().tolerance > 1e-4);
    // Total variation is of the picture, which is never stored in f16.
    let tv = run(gpu, "tv", &half);
    assert_eq!((tv.precision.as_str(), tv.rungs[0].fault()), ("f32", None));
}

/// On a GPU the rungs for drivers on the CPU are of no use.
#[test]
fn rungs_for_cpu_drivers_are_left_out_on_a_gpu_unless_all_are_wanted() {
    let gpu = common::open(GpuOptions::default().with_switches("kind=discrete").unwrap());
    let names = |gpu: &Gpu, all: bool| {
        let rungs = Benchmark::of_name("gram").unwrap().rungs(gpu, all);
        rungs.into_iter().map(|rung| rung.name()).collect::<Vec<_>>()
    };
    assert!(names(&gpu, true).contains(&"texture") && !names(&gpu, false).contains(&"texture"));
    assert!(names(&gpu, false).contains(&"turns"));
    let software = common::open(GpuOptions::default().with_switches("kind=cpu").unwrap());
    assert_eq!(names(&software, false), names(&software, true));
}

/// What was not checked is neither right nor wrong, and is timed all the same.
#[test]
fn timings_without_a_check_say_so() {
    let gpu = common::fast_gpu();
    let effort = Effort { check: false, ..EFFORT };
    let benchmark = Benchmark::of_name("gram").unwrap();
    let gram = Ladder::run(gpu, benchmark, &size(16), &Default::default(), effort, &mut |_| ());
    let naive = &gram.rungs[0];
    assert!(naive.check.is_none() && naive.passes.len() == 2 && naive.fault().is_none(), "{naive:?}");
    let text = report::ladders(&Record::new(gpu, ROOFS, &size(16), vec![gram]));
    let line = text.lines().find(|line| line.contains("naive") && line.contains("forward")).unwrap();
    assert!(line.ends_with('-'), "{line}");
    assert!(!text.contains(" ok\n"), "{text}");
}

#[test]
fn a_wrong_rung_is_named() {
    let gpu = common::open(Default::default());
    common::replace_kernel(&gpu, common::shader("gram/1_naive"), "= sum;", "= sum * 1.001;", &[]);
    let gram = run(&gpu, "gram", &size(16));
    let faulty: Vec<_> = gram.rungs.iter().filter(|rung| rung.fault().is_some()).collect();
    assert_eq!(faulty.len(), 1);
    assert!(faulty[0].fault().unwrap().contains("off by 1.0e-3 forward"), "{:?}", faulty[0]);
    assert_ne!(gram.fastest(Pass::Forward).map(|(rung, _)| rung.name.as_str()), Some("naive"));
    let record = Record::new(&gpu, ROOFS, &size(16), vec![gram]);
    let error = record.verdict().unwrap_err();
    assert!(matches!(&error, Error::Kernels { kernels, .. } if kernels == "gram naive"), "{error}");
    // Exit code 1: the device is at fault, not the user.
    assert!(!error.is_usage());
    let text = report::ladders(&record);
    assert!(text.contains("  WRONG\n") && text.contains("naive: WRONG: gram/naive "), "{text}");
}

#[test]
fn sizes_that_cannot_work_are_found_beforehand() {
    let gpu = common::fast_gpu();
    for benchmark in &BENCHMARKS {
        benchmark.check(gpu, &size(4)).unwrap();
    }
    let error = Benchmark::of_name("pool_max").unwrap().check(gpu, &size(3)).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("at least 4"), "{error}");
    let huge = ProblemSize { layer: LayerId::FIRST, ..size(1 << 14) };
    let error = Benchmark::of_name("conv3x3").unwrap().check(gpu, &huge);
    if gpu.max_tensor_bytes() < 64 << 30 {
        let Err(Error::TooLarge { remedies, .. }) = error else { panic!("{error:?}") };
        let [Remedy::AtMost(Setting::Size, largest)] = remedies[..] else { panic!("{remedies:?}") };
        Benchmark::of_name("conv3x3").unwrap().check(gpu, &ProblemSize { side: largest, ..huge }).unwrap();
    }
}

#[test]
fn the_command_prints_a_ladder_and_writes_json() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "kernels --op gram --layer conv1_1 --size 16 --no-tune --json ladder.json -q";
    let output = impasto_in(folder.path(), arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["gram: 64x16x16 to 64x1x64, f32", "naive", "of roof", "1.00x", " ok", "fastest backward: "] {
        assert!(text.contains(word), "'{word}' is not in {text}");
    }
    let json = std::fs::read_to_string(folder.path().join("ladder.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(json["device"]["driver"].is_string() && json["roofs"]["gflops"].as_f64() > Some(0.0), "{json}");
    let naive = &json["ladders"][0]["rungs"][0];
    assert_eq!((&naive["name"], &naive["check"]["wrong"]), (&"naive".into(), &Value::Null));
    let kernels = naive["passes"][0]["kernels"].as_array().unwrap();
    assert_eq!(kernels[0]["kernel"], "gram/1_naive");
    assert!(kernels[0]["seconds"]["median"].as_f64() > Some(0.0), "{naive}");
}

/// Matrices have no layer, no backward pass and no rung that a painting runs.
#[test]
fn the_ladder_of_matrix_multiplication_has_a_size_alone() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "kernels --op matmul --size 33 --seconds 0 --json ladder.json";
    let output = impasto_in(folder.path(), arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    for word in
        ["matmul: 33x33 and 33x33 to 33x33, f32", "  naive ", "  turns ", "  matrix_units ", " 1.00x "]
    {
        assert!(text.contains(word), "'{word}' is not in {text}");
    }
    for word in ["conv3_2", "backward", "* marks", "\n* ", "shapes"] {
        assert!(!text.contains(word), "'{word}' is in {text}");
    }
    let json = std::fs::read_to_string(folder.path().join("ladder.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["layer"], &json["size"]), (&Value::Null, &33.into()));
    let rungs = json["ladders"][0]["rungs"].as_array().unwrap();
    assert_eq!(rungs.len(), 9);
    assert_eq!(rungs[0]["passes"][0]["flops"], 2.0 * 33.0 * 33.0 * 33.0);
    assert_eq!(rungs[0]["passes"].as_array().unwrap().len(), 1);
    for rung in rungs {
        assert!(rung["check"]["wrong"].is_null() || !rung["missing"].is_null(), "{rung}");
    }
}

#[test]
fn a_chart_has_a_bar_for_each_rung_and_advice_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "kernels --op matmul --size 64 --seconds 0 --no-check --plot bars.svg -v";
    let output = impasto_in(folder.path(), arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let svg = std::fs::read_to_string(folder.path().join("bars.svg")).unwrap();
    for word in ["naive", "coalesced", "turns", "GFLOP/s", "matmul: 64x64 and 64x64 to 64x64, f32"] {
        assert!(svg.contains(word), "'{word}' is not in the chart");
    }
    let refused = impasto_in(folder.path(), "kernels --op relu --plot bars.pdf").output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
}

#[test]
fn all_layers_are_a_grid() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "kernels --op relu --size 16 --seconds 0 --all-layers -q";
    let output = impasto_in(folder.path(), arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("relu forward, f32, milliseconds") && text.contains("relu backward"), "{text}");
    for layer in LayerId::all() {
        let lines = text.lines().filter(|line| line.starts_with(layer.name()) && line.contains('*'));
        assert_eq!(lines.count(), 2, "{layer}: {text}");
    }
    let refused = impasto_in(folder.path(), "kernels --op matmul --all-layers").output().unwrap();
    let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && stderr.contains("matmul has no layers"), "{stderr}");
}

#[test]
fn help_says_what_the_columns_are() {
    let output = impasto_in(Path::new("."), "kernels --help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["impasto kernels --op gram --layer conv1_1", "128 without a GPU", "off by", "direct"] {
        assert!(text.contains(word), "'{word}' is not in {text}");
    }
}

#[test]
fn what_cannot_be_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refuses = |arguments: &str, code: i32, words: &[&str]| {
        let output = impasto_in(folder.path(), arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments}: {stderr}");
        assert!(words.iter().all(|word| stderr.contains(word)), "{arguments}: {words:?} not in {stderr}");
        assert!(output.stdout.is_empty(), "{arguments} printed something");
    };
    refuses("kernels --op conv", 2, &["did you mean conv3x3?", "softmax or all"]);
    refuses("kernels --layer conv33", 2, &["did you mean conv3_3?"]);
    refuses("kernels --size 0", 2, &["--size"]);
    refuses("kernels --op all --layer conv5_1 --size 16", 2, &["--size 16", "pool_max", "at least 32"]);
    refuses("kernels --json nowhere/l.json", 1, &["nowhere", "does not exist"]);
}

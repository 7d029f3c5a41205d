//! The profiler: timings that make sense, files that can be read, tables, and what is refused.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common;
use crate::common::test_folder::impasto_in;
use impasto::gpu::{Clock, Gpu, GpuOptions, PassKind, Recording, Shape, Timing, Use};
use impasto::image_io::Image;
use impasto::ops::{partials_shape, record_sum};
use impasto::profiler::Roofs;
use serde_json::Value;
use tempfile::TempDir;

fn json(path: PathBuf) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A sum and a copy; returns what they leave.
fn timed(gpu: &Gpu) -> (Vec<Timing>, f32) {
    let shape = partials_shape(64);
    let src = gpu.upload(shape, &[2.0; 64], Use::Scratch, "src").unwrap();
    let sum = gpu.upload(Shape::scalar(), &[0.0], Use::Scratch, "sum").unwrap();
    let copied = gpu.upload(Shape::scalar(), &[0.0], Use::Scratch, "copied").unwrap();
    let mut recording = Recording::of_pass(gpu, PassKind::Forward);
    record_sum(&mut recording, "first", &src, 64, 1.0, &sum).unwrap();
    recording.copy(&sum, &copied);
    record_sum(&mut recording, "second", &src, 64, 1.0, &sum).unwrap();
    let empty = Recording::new(gpu);
    let timings = gpu.timed(&[&empty, &recording]).unwrap();
    (timings, gpu.read(&copied).unwrap()[0])
}

fn check_timings(timings: &[Timing]) {
    let kernels: Vec<_> = timings.iter().map(|t| (t.pass, t.label.as_str(), t.kernel)).collect();
    let want = [
        (PassKind::Forward, "first", "reduce/sum"),
        (PassKind::Forward, "second", "copy/buffer"),
        (PassKind::Forward, "second", "reduce/sum"),
    ];
    assert_eq!(kernels, want);
    assert_eq!((timings[0].groups, timings[1].groups), ([1, 1, 1], [0; 3]));
    assert_eq!((timings[0].work.flops, timings[1].work.bytes), (64.0, 32.0));
    assert!(timings.iter().all(|t| t.seconds >= 0.0 && t.seconds < 10.0), "{timings:?}");
    assert!(timings.iter().map(|t| t.seconds).sum::<f64>() > 0.0, "{timings:?}");
    for pair in timings.windows(2) {
        assert!(pair[0].start + pair[0].seconds <= pair[1].start + 1e-9, "{timings:?}");
    }
}

#[test]
fn every_command_runs_and_has_a_time() {
    let (timings, copied) = timed(common::gpu());
    check_timings(&timings);
    assert_eq!(copied, 128.0);
    assert!(common::gpu().timed(&[]).unwrap().is_empty());
}

#[test]
fn without_timestamps_the_wall_clock_tells() {
    let gpu = common::open(GpuOptions { wall_clock: true, ..Default::default() });
    assert_eq!(gpu.clock(), Clock::Wall);
    let (timings, copied) = timed(&gpu);
    check_timings(&timings);
    assert_eq!(copied, 128.0);
}

/// More timestamps than one set of queries holds.
#[test]
fn long_recordings_take_several_query_sets() {
    let gpu = common::gpu();
    let src = gpu.upload(partials_shape(64), &[1.0; 64], Use::Scratch, "src").unwrap();
    let sum = gpu.upload(Shape::scalar(), &[0.0], Use::Scratch, "sum").unwrap();
    let mut recording = Recording::new(gpu);
    for _ in 0..2100 {
        record_sum(&mut recording, "sum", &src, 64, 1.0, &sum).unwrap();
    }
    let timings = gpu.timed(&[&recording]).unwrap();
    assert_eq!(timings.len(), 2100);
    assert!(timings.windows(2).all(|pair| pair[0].start <= pair[1].start));
    assert!(timings[2099].start > timings[2040].start, "the second set is read, too");
}

#[test]
fn roofs_are_speeds_of_a_computer() {
    let roofs = Roofs::measure(common::fast_gpu()).unwrap();
    assert!((0.1..1e6).contains(&roofs.gflops) && (0.01..1e5).contains(&roofs.gbytes), "{roofs:?}");
}

#[test]
fn profile_prints_a_table_and_writes_every_file() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(name);
    let arguments = "profile --size 32 --evaluations 2 --no-tune --json p.json --csv c.csv --trace t.json --plot r.png -q";
    let output = impasto_in(folder.path(), arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    for word in ["conv4_2", "backward", "GFLOP/s", "of roof", "roofs ", "wall time", "memory"] {
        assert!(table.contains(word), "'{word}' is not in {table}");
    }

    let profile = json(file("p.json"));
    assert_eq!(profile["workload"]["width"], 32);
    let kernels = profile["kernels"].as_array().unwrap();
    let sum: f64 = kernels.iter().map(|line| line["share"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    // One clock, one order: kernels cannot take longer than the time in which they ran.
    let total = |name: &str| profile["totals"][name]["high"].as_f64().unwrap();
    assert!(total("kernels") <= total("gpu") * 1.000_001, "{profile}");
    assert!(total("wall") > 0.0 && profile["roofs"]["gflops"].as_f64().unwrap() > 0.0);
    let conv = kernels.iter().find(|line| line["layer"] == "conv2_2" && line["flops"].as_f64() > Some(0.0));
    assert!(conv.unwrap()["workgroups"].as_u64().unwrap() > 0);

    let csv = fs::read_to_string(file("c.csv")).unwrap();
    assert_eq!(csv.lines().count(), kernels.len() + 1);
    let trace = json(file("t.json"));
    let events = trace["traceEvents"].as_array().unwrap();
    let evaluations = events.iter().filter(|event| {
        event["ph"] == "X" && event["name"].as_str().is_some_and(|name| name.starts_with("evaluation"))
    });
    assert_eq!(evaluations.count(), 2);
    assert!(Image::load(file("r.png")).unwrap().width() > 1000);
}

#[test]
fn help_says_what_the_columns_are() {
    let output = impasto_in(Path::new("."), "profile --help").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["impasto profile --compare old.json new.json", "of roof", "direct", "--trace"] {
        assert!(text.contains(word), "'{word}' is not in {text}");
    }
}

/// The launches of one kernel are timed without the rest, as often as asked for.
#[test]
fn one_kernel_can_be_timed_alone() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &str| {
        let line = format!("profile --size 32 --no-tune -q {arguments}");
        impasto_in(folder.path(), &line).output().unwrap()
    };
    let output = run("--only pool/max_forward --layer pool1 --repeat 7 --json one.json");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let profile = json(folder.path().join("one.json"));
    assert_eq!(profile["workload"]["what"], "pool/max_forward of pool1 alone");
    assert_eq!(profile["workload"]["evaluations"], 7);
    let kernels = profile["kernels"].as_array().unwrap();
    assert_eq!(
        (kernels.len(), &kernels[0]["layer"], &kernels[0]["launches"]),
        (1, &"pool1".into(), &1.into())
    );
    assert_eq!(kernels[0]["share"], 1.0);
    let refuses = |arguments: &str, words: &[&str]| {
        let output = run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {stderr}");
        assert!(words.iter().all(|word| stderr.contains(word)), "{arguments}: {words:?} not in {stderr}");
    };
    refuses("--only pool/max_forward --layer pool9", &["for pool9", "one of pool1, pool2, pool3"]);
    refuses("--only pool/max", &["pool/max is not launched", "pool/max_forward"]);
    refuses("--layer pool1", &["--only"]);
    refuses("--repeat 3", &["--only"]);
}

#[test]
fn two_profiles_compare() {
    let folder = TempDir::new().unwrap();
    for (size, plot) in [(16, "a.svg"), (32, "b.svg")] {
        let arguments =
            format!("profile --size {size} --evaluations 1 --no-tune --json {size}.json --plot {plot} -q");
        assert!(impasto_in(folder.path(), &arguments).output().unwrap().status.success());
        assert!(fs::read_to_string(folder.path().join(plot)).unwrap().contains("GFLOP/s"));
    }
    let output = impasto_in(folder.path(), "profile --compare 16.json 32.json").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains("the profiles differ in size: 16 x 16, then 32 x 32"),
        "{text}"
    );
    assert!(text.contains("conv3_2") && text.contains("wall time"), "{text}");
}

/// The machine of the tests may have one device: it is compared with itself.
#[test]
fn a_device_is_compared_with_a_device_and_with_a_file() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &str| {
        let layers = "--content-layers conv2_1 --style-layers conv1_1";
        let line = format!("profile --size 32 --no-tune -q {layers} {arguments}");
        impasto_in(folder.path(), &line).output().unwrap()
    };
    let table = |arguments: &str| {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let only = "--only pool/max_forward --layer pool1 --repeat 20";
    let text = table(&format!("{only} --device 0 --compare 0 --json new.json"));
    assert!(text.contains("other ms  this ms") && !text.contains("profiles differ"), "{text}");
    let line = text.lines().find(|line| line.starts_with("pool1")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[..3], ["pool1", "forward", "pool/max_forward"], "{text}");
    // The same launches on the same device: as fast, whatever else the machine does meanwhile.
    let [other, this] = [words[3], words[4]].map(|time| time.parse::<f64>().unwrap());
    assert!((0.02..50.0).contains(&(other / this)), "{text}");
    let profile = json(folder.path().join("new.json"));
    assert_eq!(profile["workload"]["evaluations"], 20);

    let text = table(&format!("{only} --compare new.json"));
    assert!(text.contains("old ms") && text.contains("pool1"), "{text}");
    // A part of a name is a device, too; a file of that name comes first.
    let name = impasto::gpu::list_adapters()[0].name.split(' ').next().unwrap().to_lowercase();
    assert!(table(&format!("{only} --compare {name}")).contains("other ms"));
    fs::copy(folder.path().join("new.json"), folder.path().join(&name)).unwrap();
    assert!(table(&format!("{only} --compare {name}")).contains("old ms"));

    let neither = run("--compare turbo9000");
    let stderr = String::from_utf8_lossy(&neither.stderr).into_owned();
    assert_eq!((neither.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
    for word in ["turbo9000", "'impasto profile --json'", "'impasto devices'"] {
        assert!(stderr.contains(word), "{word} is not in {stderr}");
    }
    let replaced = run("--compare new.json --json new.json");
    assert_eq!(replaced.status.code(), Some(2), "{replaced:?}");
}

#[test]
fn a_painting_can_be_profiled() {
    let folder = TempDir::new().unwrap();
    let rgb = (0..32 * 32 * 3).map(|i| (i * 37 % 256) as f32).collect();
    Image::from_rgb(32, 32, rgb).unwrap().save(folder.path().join("a.png")).unwrap();
    let paint = |name: &str, extra: &str| {
        let arguments = format!(
            "paint a.png a.png -o {name} --size 32 --iterations 4 --init noise --optimizer lbfgs --no-tune -q{extra}"
        );
        let output = impasto_in(folder.path(), &arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let pixels = Image::load(folder.path().join(name)).unwrap().into_pixels();
        (String::from_utf8(output.stderr).unwrap(), pixels)
    };
    let (table, profiled) = paint("profiled.png", " --profile");
    for word in ["lbfgs/dots", "update", "conv1_1", "4 evaluations"] {
        assert!(table.contains(word), "'{word}' is not in {table}");
    }
    assert_eq!(profiled, paint("plain.png", "").1, "profiling changes no picture");
}

#[test]
fn what_cannot_be_profiled_is_refused() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("text.json"), "no profile").unwrap();
    fs::write(folder.path().join("other.json"), "{\"format\": 1}").unwrap();
    let refuses = |arguments: &str, code: i32, words: &[&str]| {
        let output = impasto_in(folder.path(), arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments}: {stderr}");
        assert!(words.iter().all(|word| stderr.contains(word)), "{arguments}: {words:?} not in {stderr}");
        assert!(output.stdout.is_empty(), "{arguments} printed something");
    };
    refuses("profile --plot chart.pdf", 2, &["chart.pdf", ".svg or .png"]);
    refuses("profile --json nowhere/p.json", 1, &["nowhere", "does not exist"]);
    refuses("profile --size 8", 1, &["--size", "at least 16"]);
    refuses("profile --size 0", 2, &["--size"]);
    refuses("profile --evaluations 0", 2, &["--evaluations"]);
    refuses("profile --compare text.json text.json", 1, &["text.json", "'impasto profile'"]);
    refuses("profile --compare other.json other.json", 1, &["other.json", "not a profile"]);
    refuses("profile --compare missing.json text.json", 1, &["missing.json", "not found"]);
    refuses("profile --compare text.json", 1, &["text.json", "'impasto profile'"]);
    refuses("profile text.json", 2, &["--compare"]);
    refuses("profile --compare text.json text.json --size 64", 2, &["--size"]);
}

//! The self-test: all is well on this device, and a kernel that computes wrongly is named.

use crate::common;
use crate::common::test_folder::{TestFolder, stderr};
use impasto::gpu::{Gpu, Precision};
use impasto::ladder::{BENCHMARKS, Implementation};
use impasto::ops::variants::{ComputePrecision, TunedOp};
use impasto::selftest::{self, Part, Report};
use serde_json::Value;

/// The names of all parts: one for each rung that is worth trying on this device, and for each that has cases in f16 another.
fn titles() -> Vec<String> {
    let mut titles = vec![];
    for benchmark in BENCHMARKS.iter().filter(|benchmark| !benchmark.teaches()) {
        for rung in benchmark.rungs(common::fast_gpu(), false) {
            let name = match rung {
                Implementation::Variant(variant) => format!("{} {variant}", benchmark.name),
                other => other.name().to_string(),
            };
            titles.push(name.clone());
            if !benchmark.cases_of(rung, Precision::F16).is_empty() {
                titles.push(format!("{name}, f16"));
            }
        }
    }
    titles.extend(["objective", "adam", "lbfgs"].map(String::from));
    titles
}

#[test]
fn all_is_well_here() {
    let folder = TestFolder::new();
    let output = folder.command("selftest --report @report.json").output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{text}{}", stderr(&output));
    let gpu = common::fast_gpu();
    let adapter = gpu.adapter().to_string();
    assert_eq!(text.lines().next(), Some(&*adapter));
    let last = text.lines().last().unwrap();
    assert!(last.starts_with(&format!("everything agrees on {adapter}")), "{last}");
    for title in titles() {
        assert_eq!(text.lines().filter(|line| line.starts_with(&format!("{title} "))).count(), 1, "{title}");
    }

    let report: Value = serde_json::from_slice(&std::fs::read(folder.path("report.json")).unwrap()).unwrap();
    assert_eq!(report["device"]["adapter"], adapter);
    assert_eq!(report["device"]["driver"], gpu.adapter().driver);
    assert_eq!(report["device"]["limits"]["max_storage_buffer_binding_size"], gpu.adapter().max_binding);
    assert!(report["version"].as_str().unwrap().starts_with(env!("CARGO_PKG_VERSION")));
    let parts = report["parts"].as_array().unwrap();
    assert_eq!(parts.len(), titles().len());
    for part in parts {
        assert!(part["fault"].is_null() && part["seconds"].as_f64() >= Some(0.0), "{part}");
        let measures = part["measures"].as_array().unwrap();
        assert!(measures.len() >= 2 || !part["missing"].is_null(), "{part}");
        assert!(measures.iter().all(|m| m["off"].as_f64() <= m["allowed"].as_f64()), "{part}");
    }
}

/// The variant of the Gram matrix that is chosen where nothing was timed.
fn builtin_gram(gpu: &Gpu) -> &'static str {
    TunedOp::Gram.candidates(gpu, ComputePrecision::F32).last().unwrap().name
}

/// A device on which four kernels compute something else.
fn wrong_gpu() -> Gpu {
    let gpu = common::open(Default::default());
    let replace = |name: &str, right, wrong| {
        common::replace_kernel(&gpu, common::shader(name), right, wrong, &[]);
    };
    // A variant that paintings run here, one that they do not, and two kernels without another.
    match builtin_gram(&gpu) {
        "texture" => replace("gram/texture", "select(0.0, 1.0, p < end)", "select(0.0, 1.001, p < end)"),
        "turns" => replace("gram/4_turns", "] = sum", "] = 1.001 * sum"),
        other => panic!("{other} is chosen here: put a wrong form of it in"),
    }
    replace("gram/2_tiled", "] = sum;", "] = 1.001 * sum;");
    replace("pool/avg_forward", "0.25 *", "0.2501 *");
    replace("mse/forward", "= total;", "= 1.01 * total;");
    gpu
}

#[test]
fn a_wrong_kernel_is_named() {
    let gpu = wrong_gpu();
    let mut heard = vec![];
    let report: Report = selftest::run(&gpu, &mut |part, done| heard.push((part.title(), done)));
    let both: Vec<_> =
        titles().into_iter().flat_map(|title| [(title.clone(), false), (title, true)]).collect();
    assert_eq!(heard, both);

    let chosen = format!("gram {}", builtin_gram(&gpu));
    let names: Vec<String> = report.faults().map(Part::title).collect();
    // In f16 a thousandth is lost in the rounding; a hundredth is not.
    let mut want = vec!["gram tiled", &chosen, "pool_avg", "mse", "mse, f16", "objective"];
    want.sort_unstable();
    let mut found: Vec<&str> = names.iter().map(String::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, want);

    let consequence = |title: &str| {
        let part = report.faults().find(|part| part.title() == title).unwrap();
        assert!(part.fault.as_ref().unwrap().contains("off by"), "{part:?}");
        part.consequence.clone().unwrap()
    };
    assert!(consequence(&chosen).contains("the tuner refuses it here: it is off by"), "{report:?}");
    assert!(
        report.refused.iter().any(|refusal| refusal.to_string() == chosen)
            && !report.used.as_ref().unwrap().contains(&chosen),
        "{report:?}"
    );
    assert!(consequence("gram tiled").contains("no painting runs it here unless it is asked for"));
    assert!(consequence("pool_avg").contains("do not trust images of this device"));
    assert!(consequence("mse, f16").contains("f16 is wrong on this device"));

    // Exit code 1, with all names in one line.
    let error = report.check().unwrap_err();
    assert!(!error.is_usage());
    let text = error.to_string();
    assert!(text.contains(&gpu.adapter().name) && !text.contains('\n'), "{text}");
    assert!(names.iter().all(|name| text.contains(name)), "{text}");
    assert_eq!(report.verdict, text);
    assert!(report.to_json().contains("\"fault\": \"mse"), "{}", report.to_json());
}

#[test]
fn unfit_reports_are_refused_before_the_work() {
    let folder = TestFolder::new();
    folder.refuses("selftest --report @nowhere/report.json", 1, &["nowhere", "does not exist"]);
    folder.refuses("selftest --device 99", 1, &["there is no device 99"]);
}

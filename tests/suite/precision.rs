//! `--precision`: what `auto` chooses, that the choice is recorded and run again, and that f32 never rounds.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common;
use crate::common::test_folder::{SHALLOW, TestFolder, stderr};
use impasto::image_io::Image;
use impasto::ops::variants::{ComputePrecision, Pass, TunedOp, VARIANTS};
use impasto::tuner::{Choice, Mode, PrecisionChoice, Tuner};
use impasto::vgg19::LayerId;
use serde_json::Value;

const SIZE: [u32; 2] = [24, 16];

fn choose(folder: &Path, mode: Mode, precision: PrecisionChoice) -> Choice {
    let tuner = Tuner { mode, folder: Some(folder.into()), precision };
    tuner.choose(common::fast_gpu(), SIZE, LayerId::FIRST, &mut |_, _, _| ()).unwrap()
}

fn cache_file(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension() == Some("json".as_ref())).unwrap()
}

/// Changes every choice of a cache that was made for one precision.
fn change(folder: &Path, precision: &str, change: impl Fn(&mut Value)) {
    let file = cache_file(folder);
    let mut record: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let choices = record["choices"].as_array_mut().unwrap().iter_mut();
    choices.filter(|choice| choice["precision"] == precision).for_each(change);
    fs::write(&file, record.to_string()).unwrap();
}

/// A cache by which f32 takes a second and mixed, with the naive kernels, so many.
fn pretend(folder: &Path, seconds: f64) {
    let set = |choice: &mut Value, seconds: f64| {
        for pass in Pass::ALL.map(Pass::name) {
            choice[pass]["fastest"] = (0.9 * seconds).into();
            choice[pass]["slowest"] = seconds.into();
        }
    };
    change(folder, "f32", |choice| set(choice, 1.0 / 0.9));
    change(folder, "mixed", |choice| {
        set(choice, seconds);
        Pass::ALL.iter().for_each(|pass| choice[pass.name()]["variant"] = "naive".into());
    });
}

#[test]
fn auto_is_mixed_only_where_that_is_clearly_faster() {
    let folder = tempfile::tempdir().unwrap();
    let auto = || choose(folder.path(), Mode::Cached, PrecisionChoice::Auto);
    let timed = auto();
    assert_eq!(
        (timed.timed, auto().timed),
        (2, 0),
        "a convolution and a Gram matrix, once for both precisions"
    );
    if !ComputePrecision::Mixed.rounds_on(common::fast_gpu()) {
        assert_eq!((timed.precision, timed.mixed_over_f32), (ComputePrecision::F32, Some(1.0)));
    }
    for (seconds, precision) in [(0.89, ComputePrecision::Mixed), (0.91, ComputePrecision::F32)] {
        pretend(folder.path(), seconds);
        let choice = auto();
        assert_eq!((choice.precision, choice.timed), (precision, 0), "{seconds}");
        assert!((choice.mixed_over_f32.unwrap() - seconds).abs() < 1e-9);
        let runs_naive = choice.kernels.of(TunedOp::Conv3x3, LayerId::FIRST).forward.name == "naive";
        assert_eq!(runs_naive, precision == ComputePrecision::Mixed);
    }
    // What is the same in both says nothing, whatever the noise.
    change(folder.path(), "f32", |choice| {
        Pass::ALL.iter().for_each(|pass| choice[pass.name()]["variant"] = "naive".into());
    });
    assert_eq!(auto().mixed_over_f32, Some(1.0));
    // Without timings there is nothing to go by.
    let untimed = choose(folder.path(), Mode::BuiltIn, PrecisionChoice::Auto);
    assert_eq!((untimed.precision, untimed.mixed_over_f32), (ComputePrecision::F32, None));
}

#[test]
fn one_file_keeps_all_precisions_and_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let fixed = |mode, precision: ComputePrecision| choose(folder.path(), mode, precision.into());
    let first = ComputePrecision::ALL.map(|precision| fixed(Mode::Cached, precision));
    assert_eq!(first.each_ref().map(|choice| choice.timed), [2, 0, 2], "mixed is timed with f32");
    let large = |mode| {
        let tuner = Tuner { mode, folder: Some(folder.path().into()), precision: PrecisionChoice::Auto };
        tuner.choose(common::fast_gpu(), [64, 48], LayerId::FIRST, &mut |_, _, _| ()).unwrap().timed
    };
    assert_eq!(large(Mode::Cached), 2);
    // To tune again forgets only what is timed.
    for precision in ComputePrecision::ALL {
        assert_eq!(fixed(Mode::Fresh, precision).timed, 2);
        assert_eq!(large(Mode::Cached), 0, "after {precision}");
        for other in ComputePrecision::ALL {
            assert_eq!(fixed(Mode::Cached, other).timed, 0, "{other} after {precision}");
        }
    }
}

/// Not even from a file that says so.
#[test]
fn no_variant_that_rounds_gets_into_f32() {
    let rounding = VARIANTS.iter().find(|variant| variant.rounds_to_f16()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let f32 = || choose(folder.path(), Mode::Cached, ComputePrecision::F32.into());
    f32();
    change(folder.path(), "f32", |choice| {
        if choice["op"] == rounding.op().name() {
            Pass::ALL.iter().for_each(|pass| choice[pass.name()]["variant"] = rounding.name.into());
        }
    });
    let again = f32();
    assert_eq!(again.timed, 1);
    for (op, pass) in TunedOp::ALL.into_iter().flat_map(|op| Pass::ALL.map(|pass| (op, pass))) {
        let variant = again.kernels.of(op, LayerId::FIRST).of(pass);
        assert!(!variant.rounds_to_f16(), "{op} {variant}");
    }
    let gpu = common::fast_gpu();
    for (op, precision) in TunedOp::ALL.into_iter().flat_map(|op| ComputePrecision::ALL.map(|p| (op, p))) {
        let rounds = op.candidates(gpu, precision).iter().any(|variant| variant.rounds_to_f16());
        assert!(!rounds || precision.allows_rounding(), "{op} in {precision}");
    }
}

#[test]
fn a_file_of_an_earlier_version_is_replaced_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let choose = || choose(folder.path(), Mode::Cached, PrecisionChoice::Auto);
    choose();
    let file = cache_file(folder.path());
    let mut record: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    // As it was before mixed precision.
    record.as_object_mut().unwrap().remove("format");
    for choice in record["choices"].as_array_mut().unwrap() {
        choice.as_object_mut().unwrap().remove("precision");
        choice["forward"] = choice["forward"]["variant"].clone();
        choice["backward"] = choice["backward"]["variant"].clone();
    }
    fs::write(&file, record.to_string()).unwrap();
    let choice = choose();
    assert_eq!((choice.timed, choice.note), (2, None));
    // The same in a file of this version is damage.
    record["format"] = serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).unwrap()["format"].clone();
    fs::write(&file, record.to_string()).unwrap();
    let choice = choose();
    assert!(choice.timed == 2 && choice.note.unwrap().contains("damaged"));
}

fn note(picture: &Path) -> Value {
    serde_json::from_str(&Image::note(picture).unwrap()).unwrap()
}

#[test]
fn the_choice_of_auto_is_recorded_and_run_again() {
    let folder = TestFolder::new();
    let [tuned, empty] = ["tuned", "empty"].map(|name| folder.path(name));
    let run = |line: &str, cache: &Path| {
        let output = folder.command(line).env("IMPASTO_CACHE_DIR", cache).output().unwrap();
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        stderr(&output)
    };
    let settings = format!("--size 32 --scales 1 {SHALLOW} --iterations 6");
    let line = format!("paint @content.png @style.png -o @first.png {settings} --precision auto");
    run(&line, &tuned);
    pretend(&tuned, 0.5);
    run(&format!("{line} --checkpoint @ck --checkpoint-every 3"), &tuned);
    let first = fs::read(folder.path("first.png")).unwrap();
    let noted = note(&folder.path("first.png"));
    assert_eq!((&noted["precision"], &noted["kernels"][0]), (&"mixed".into(), &"conv3x3=naive".into()));
    // On a device of which nothing is known, auto would be f32.
    run("paint @content.png @style.png -o @again.png --like @first.png", &empty);
    assert!(fs::read(folder.path("again.png")).unwrap() == first);
    fs::remove_file(folder.path("first.png")).unwrap();
    run("resume @ck", &empty);
    assert_eq!(note(&folder.path("first.png")), noted);
    // Compiled kernels may be kept there.
    let timings = fs::read_dir(&empty)
        .into_iter()
        .flatten()
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().extension() == Some("json".as_ref())));
    assert_eq!(timings.count(), 0, "something was timed");
    // What is typed beside --like wins: auto chooses anew, and without timings that is f32.
    run("paint @content.png @style.png -o @auto.png --like @first.png --precision auto --no-tune", &empty);
    let noted = note(&folder.path("auto.png"));
    assert_eq!(noted["precision"], "f32");
    assert_ne!(noted["kernels"][0], "conv3x3=naive");
}

/// `paint` without the option is `auto`; commands that measure compute in f32.
#[test]
fn mixed_says_where_it_is_f32() {
    let folder = TestFolder::new();
    let settings = format!("--size 32 --scales 1 {SHALLOW} --iterations 2 --no-tune");
    let run = |precision: &str| {
        let line = format!("paint @content.png @style.png -o @out.png {settings}{precision}");
        let output = folder.command(&line).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let notices = stderr(&output).lines().filter(|line| line.contains("matrix units")).count();
        (notices, note(&folder.path("out.png"))["precision"].as_str().unwrap().to_string())
    };
    assert_eq!(run(""), (0, "f32".into()));
    assert_eq!(run(" --precision auto"), (0, "f32".into()));
    let rounds = ComputePrecision::Mixed.rounds_on(common::gpu());
    assert_eq!(run(" --precision mixed"), (usize::from(!rounds), "mixed".into()));
    let help = |command: &str| {
        let output = folder.command(&format!("{command} --help")).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, option) = text.split_once("--precision <").unwrap();
        option.split_once("[default: ").unwrap().1.split_once(']').unwrap().0.to_string()
    };
    assert_eq!(["paint", "batch", "sweep", "tune"].map(help), ["auto"; 4]);
    assert_eq!(["score", "profile", "kernels", "features", "reconstruct"].map(help), ["f32"; 5]);
}

//! Files at their edges: a full disk, a cache that cannot be written, two runs at once.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::test_folder::{SHALLOW, TestFolder, cache, log_lines, stderr};

/// `impasto` in a test folder, as a plain command; `@name` is a file of it.
fn arguments(folder: &TestFolder, line: &str) -> Vec<std::ffi::OsString> {
    let argument = |argument: &str| match argument.strip_prefix('@') {
        Some(name) => folder.path(name).into_os_string(),
        None => argument.into(),
    };
    line.split(' ').map(argument).collect()
}

/// Runs `impasto` with files limited to this many blocks (of 512 or 1024 bytes). The signal that
/// comes with it is ignored, so that writing fails as on a full disk.
fn run_with_a_full_disk(folder: &TestFolder, blocks: u32, line: &str) -> Output {
    Command::new("sh")
        .arg("-c")
        .arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""))
        .arg(assert_cmd::cargo::cargo_bin("impasto"))
        .args(arguments(folder, line))
        .env("IMPASTO_CACHE_DIR", cache())
        .output()
        .unwrap()
}

/// The one line of an error that names a file, and nothing left behind.
fn assert_failed(folder: &TestFolder, output: &Output, file: &str, before: &[String]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{text}");
    assert!(errors[0].contains(file) && errors[0].contains("cannot write: "), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    assert_eq!(names(folder.root()), before, "something was left behind");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

const PAINT: &str = "paint @content.png @style.png -o @out.png --size 64 --iterations 3 --optimizer adam -q";

#[test]
fn a_full_disk_leaves_what_was_there() {
    let folder = TestFolder::new();
    let line = format!("{PAINT} {SHALLOW}");
    // The kernels are known before, so that the cache need not grow.
    folder.command(&line).assert().success();
    let image = fs::read(folder.path("out.png")).unwrap();
    assert!(image.len() > 4096, "{} bytes would fit", image.len());
    let before = names(folder.root());
    let again = format!("{line} --seed 7 --init noise");
    assert_failed(&folder, &run_with_a_full_disk(&folder, 2, &again), "out.png", &before);
    assert!(fs::read(folder.path("out.png")).unwrap() == image, "the picture was touched");
    // It is the disk that is in the way.
    assert!(run_with_a_full_disk(&folder, 2000, &again).status.success());
    assert!(fs::read(folder.path("out.png")).unwrap() != image);
}

#[test]
fn a_full_disk_leaves_the_last_checkpoint() {
    let folder = TestFolder::new();
    let line = format!("{PAINT} {SHALLOW} --checkpoint @c --checkpoint-every 1");
    folder.command(&line).assert().success();
    let checkpoint = fs::read(folder.path("c")).unwrap();
    fs::remove_file(folder.path("out.png")).unwrap();
    let before = names(folder.root());
    let more = line.replace("--iterations 3", "--iterations 9");
    assert_failed(&folder, &run_with_a_full_disk(&folder, 4, &more), "c", &before);
    assert!(fs::read(folder.path("c")).unwrap() == checkpoint, "the checkpoint was touched");
    folder.command("resume @c").assert().success();
    assert!(folder.path("out.png").exists());
}

#[test]
fn a_full_disk_ends_logs_and_reports_with_a_message() {
    let folder = TestFolder::new();
    folder.command(&format!("{PAINT} {SHALLOW}")).assert().success();
    let before = names(folder.root());
    for (line, file) in [
        ("kernels --op tv --layer conv1_1 --size 16 --no-tune -q --json @report.json", "report.json"),
        ("score @content.png @content.png @content.png --gradient @g.safetensors -q", "g.safetensors"),
    ] {
        assert_failed(&folder, &run_with_a_full_disk(&folder, 1, line), file, &before);
    }
    let line = format!("{PAINT} {SHALLOW} --log @log.jsonl").replace("--iterations 3", "--iterations 30");
    let output = run_with_a_full_disk(&folder, 4, &line);
    // The lines that fit are whole.
    assert!(stderr(&output).contains("log.jsonl: cannot write"), "{}", stderr(&output));
    let text = fs::read_to_string(folder.path("log.jsonl")).unwrap();
    assert!(text.lines().count() > 2, "{text}");
    assert_eq!(output.status.code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_an_error() {
    let folder = TestFolder::new();
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    for line in ["score @content.png @content.png @content.png -q", "presets"] {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("impasto"));
        command.args(arguments(&folder, line)).env("IMPASTO_CACHE_DIR", cache()).stdout(full());
        let output = command.output().unwrap();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{line}: {text}");
        assert!(text.starts_with("error: standard output: cannot write: "), "{line}: {text}");
    }
}

/// Without a cache that can be written kernels are timed, and the painting is none the worse for it.
#[test]
fn a_cache_that_cannot_be_written_is_a_note() {
    let folder = TestFolder::new();
    let line = format!("{PAINT} {SHALLOW}").replace(" -q", "");
    let output =
        folder.command(&line).env("IMPASTO_CACHE_DIR", folder.path("style.png").join("x")).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stderr(&output);
    let note = text.lines().find(|line| line.contains("the choice of kernels is not kept"));
    assert!(note.is_some_and(|note| note.contains("style.png")), "{text}");
}

/// Two runs begin at once with an empty cache: they do not harm each other or the cache, and each gives the
/// bytes that it would give alone.
#[test]
fn two_runs_at_once_are_as_two_runs_alone() {
    let folder = TestFolder::new();
    let cache = folder.path("cache");
    let line = |output: &str, rest: &str| {
        let files = format!("-o @{output}.png --log @{output}.jsonl");
        format!("paint @content.png @style.png {files} --size 48 --iterations 6 -q {SHALLOW}{rest}")
    };
    let run = |line: &str| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("impasto"));
        command.args(arguments(&folder, line)).env("IMPASTO_CACHE_DIR", &cache);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let end = |child: std::process::Child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
    };
    let runs = [("a", ""), ("b", ""), ("c", " --optimizer adam")];
    let children = runs.map(|(output, rest)| run(&line(output, rest)));
    children.into_iter().for_each(end);
    let bytes = |output: &str| fs::read(folder.path(&format!("{output}.png"))).unwrap();
    assert!(bytes("a") == bytes("b"), "the same work gave other bytes");
    assert!(bytes("a") != bytes("c"), "other work gave the same bytes");
    // The kernels that decide the bytes are those of the cache from now on.
    let records =
        |names: Vec<String>| names.into_iter().filter(|name| name.ends_with(".json")).collect::<Vec<_>>();
    let found = records(names(&cache));
    assert_eq!(found.len(), 1, "{found:?}");
    let record = fs::read(cache.join(&found[0])).unwrap();
    for (output, rest) in [("a", ""), ("c", " --optimizer adam")] {
        end(run(&line("alone", rest)));
        assert!(without_note(&folder, "alone") == without_note(&folder, output), "{output} is not as alone");
    }
    assert!(fs::read(cache.join(&found[0])).unwrap() == record, "something was timed again");
    let kernels = |output: &str| log_lines(&folder.path(&format!("{output}.jsonl")))[0]["kernels"].clone();
    assert_eq!((kernels("a"), kernels("b")), (kernels("alone"), kernels("c")));
    // Both may even have one name for the picture: one of them is there, and it is whole.
    [run(&line("same", "")), run(&line("same", ""))].into_iter().for_each(end);
    assert!(without_note(&folder, "same") == without_note(&folder, "a"));
    assert!(names(folder.root()).iter().all(|name| !name.starts_with('.')));
}

/// Bytes of a picture, whatever it says of itself.
fn without_note(folder: &TestFolder, output: &str) -> Vec<f32> {
    impasto::image_io::Image::load(folder.path(&format!("{output}.png"))).unwrap().into_pixels()
}

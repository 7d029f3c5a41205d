//! The same picture twice: pictures and checkpoints name the kernels that ran, and `--like` runs them again.

use std::fs;

use crate::common::test_folder::{SHALLOW, TestFolder, stderr};
use impasto::image_io::{Encoding, Image};
use impasto::ops::variants::TunedOp;
use serde_json::{Value, json};

fn note(folder: &TestFolder, name: &str) -> Value {
    serde_json::from_str(&Image::note(folder.path(name)).unwrap()).unwrap()
}

/// Writes `name` with the pixels and the note of `picture`, but other kernels.
fn with_kernels(folder: &TestFolder, picture: &str, kernels: &[&str], name: &str) {
    let mut note = note(folder, picture);
    note["kernels"] = json!(kernels);
    let image = Image::load(folder.path(picture)).unwrap();
    image
        .save_as(folder.path(name), &Encoding { note: Some(&note.to_string()), ..Encoding::default() })
        .unwrap();
}

#[test]
fn a_picture_names_its_kernels_and_is_painted_with_them_again() {
    let folder = TestFolder::new();
    let run = |extra: &str, name: &str| {
        let line = format!("paint @content.png @style.png -o @{name} {extra}");
        let output = folder.command(&line).output().unwrap();
        assert!(output.status.success(), "{extra}: {}", stderr(&output));
        (fs::read(folder.path(name)).unwrap(), stderr(&output))
    };
    let settings = format!("--size 32 --iterations 3 {SHALLOW}");
    let naive = "--kernel conv3x3=naive --kernel gram=naive --no-tune";
    let (first, _) = run(&format!("{settings} {naive} -q"), "first.png");
    assert_eq!(note(&folder, "first.png")["kernels"], json!(["conv3x3=naive", "gram=naive"]));
    assert_eq!(note(&folder, "first.png")["precision"], "f32");
    let (again, said) = run("--like @first.png", "again.png");
    assert!(again == first && !said.contains("warning"), "{said}");
    // What is typed beside it wins.
    run("--like @first.png --kernel conv3x3=tiled -q", "tiled.png");
    assert_eq!(note(&folder, "tiled.png")["kernels"], json!(["conv3x3=tiled", "gram=naive"]));
    run("--like @first.png --precision f16 --no-tune -q", "half.png");
    assert_eq!(note(&folder, "half.png")["precision"], "f16");
    let (half, _) = run("--like @half.png -q", "again.png");
    assert!(half == fs::read(folder.path("half.png")).unwrap());
    // A batch does the same for each of its pictures.
    fs::create_dir(folder.path("in")).unwrap();
    fs::copy(folder.path("content.png"), folder.path("in/content.png")).unwrap();
    folder.command("batch @in @style.png -o @out --like @first.png -q").assert().success();
    assert!(fs::read(folder.path("out/content.png")).unwrap() == first);
}

#[test]
fn kernels_that_do_not_run_here_are_named() {
    let folder = TestFolder::new();
    let line = format!("paint @content.png @style.png -o @first.png --size 32 --iterations 2 {SHALLOW}");
    folder.command(&format!("{line} --no-tune -q")).assert().success();
    with_kernels(&folder, "first.png", &["conv3x3=naive", "conv2_1=quantum", "gram=tiled"], "other.png");
    let like = "paint @content.png @style.png -o @out.png --no-tune --like @other.png";
    let output = folder.command(like).output().unwrap();
    let text = stderr(&output);
    assert!(output.status.success(), "{text}");
    let warning = text.lines().find(|line| line.starts_with("warning")).unwrap_or_else(|| panic!("{text}"));
    assert!(
        warning.contains("not all kernels") && warning.contains("conv2_1=quantum is unknown"),
        "{warning}"
    );
    // The others do.
    let kernels = &note(&folder, "out.png")["kernels"];
    assert_eq!(kernels, &json!(["conv3x3=naive", "gram=tiled"]));
}

/// On a device without matrix units.
#[test]
fn kernels_that_need_more_than_the_device_has_are_replaced() {
    let cooperative = TunedOp::Conv3x3.variant("cooperative").unwrap();
    if cooperative.missing(crate::common::gpu()).is_none() {
        return;
    }
    let folder = TestFolder::new();
    let line = format!("paint @content.png @style.png -o @first.png --size 32 --iterations 2 {SHALLOW}");
    folder.command(&format!("{line} --no-tune -q")).assert().success();
    with_kernels(&folder, "first.png", &["conv3x3=cooperative", "gram=naive"], "other.png");
    let like = "paint @content.png @style.png -o @out.png --no-tune --like @other.png";
    let output = folder.command(like).output().unwrap();
    let text = stderr(&output);
    assert!(output.status.success() && text.contains("conv3x3 cooperative needs matrix units"), "{text}");
    let own = note(&folder, "first.png")["kernels"].clone();
    let kernels = note(&folder, "out.png")["kernels"].clone();
    assert_eq!(kernels[0], own[0], "the device's own choice: {kernels}");
    assert!(kernels.to_string().contains("gram=naive"), "{kernels}");
}

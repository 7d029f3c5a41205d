//! The command line: what it prints, what it refuses and how, and what becomes of files.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use impasto::image_io::Image;
use predicates::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

fn impasto() -> Command {
    let mut command = Command::cargo_bin("impasto").unwrap();
    // What is found out about kernels is kept, but not in the user's own cache.
    command.env("IMPASTO_CACHE_DIR", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// A folder with small pictures.
struct Room {
    folder: TempDir,
}

impl Room {
    fn new() -> Self {
        let room = Self { folder: TempDir::new().unwrap() };
        room.picture("content.png", 40, 32);
        room.picture("style.png", 32, 32);
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn picture(&self, name: &str, width: u32, height: u32) {
        let rgb = (0..width * height * 3).map(|i| (i * 37 % 256) as f32).collect();
        Image::from_rgb(width, height, rgb).unwrap().save(self.path(name)).unwrap();
    }

    /// `impasto` with arguments in which `@name` is a file of this room.
    fn command(&self, arguments: &str) -> Command {
        let mut command = impasto();
        for argument in arguments.split(' ') {
            match argument.strip_prefix('@') {
                Some(name) => command.arg(self.path(name)),
                None => command.arg(argument),
            };
        }
        command
    }

    /// The command fails with this code and one line on stderr that has all of these words.
    fn refuses(&self, arguments: &str, code: i32, words: &[&str]) {
        let output = self.command(arguments).output().unwrap();
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments} printed something");
        let first = stderr.lines().find(|line| line.starts_with("error: "));
        let first = first.unwrap_or_else(|| panic!("{arguments}: no error line in {stderr}"));
        for word in words {
            assert!(first.contains(word), "{arguments}: '{word}' is not in: {first}");
        }
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert!(!self.path("out.png").exists(), "{arguments}: something was written");
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn golden(name: &str) -> PathBuf {
    common::golden().join("gatys-96x64").join(name)
}

#[test]
fn help_teaches_by_example() {
    impasto().arg("--help").assert().success().stdout(predicate::str::contains("impasto paint photo.jpg"));
    for (command, word) in [("paint", "--ratio"), ("score", "--gradient"), ("devices", "--device")] {
        impasto().args([command, "--help"]).assert().success().stdout(predicate::str::contains(word));
    }
    impasto().arg("--version").assert().success().stdout(predicate::str::contains("impasto 0."));
}

#[test]
fn devices_lists_adapters_and_marks_one() {
    let output = impasto().arg("devices").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(
        text.lines().filter(|line| line.starts_with("* ") && line.contains(": ")).count(),
        1,
        "{text}"
    );
    assert!(text.contains("largest tensor") && text.contains("subgroups"), "{text}");
}

#[test]
fn score_prints_the_losses_and_writes_the_gradient() {
    let room = Room::new();
    let output = impasto()
        .arg("score")
        .args([golden("content.png"), golden("style.png"), golden("image.png")])
        .arg("--gradient")
        .arg(room.path("gradient.safetensors"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let got: Value = serde_json::from_slice(&output.stdout).unwrap();
    let want: Value = serde_json::from_str(&fs::read_to_string(golden("score.json")).unwrap()).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&got), keys(&want));
    assert_eq!(keys(&got["style_layers"]), keys(&want["style_layers"]));
    let (got, want) = (got["total"].as_f64().unwrap(), want["total"].as_f64().unwrap());
    assert!((got / want - 1.0).abs() < 2e-4, "{got}, not {want}");
    let file = fs::read(room.path("gradient.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
    let gradient = tensors.tensor("gradient").unwrap();
    assert_eq!((gradient.shape(), gradient.dtype()), (&[3, 64, 96][..], safetensors::Dtype::F32));
}

#[test]
fn paint_writes_the_picture_the_log_and_the_frames() {
    let room = Room::new();
    let arguments = "paint @content.png @style.png -o @out.png --size 48 --iterations 5 --history 4 \
                     --log @log.jsonl --save-every 2 -v";
    let output = room.command(arguments).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("memory: ") && stderr(&output).contains("optimizer"));
    for name in ["out.png", "out-00002.png", "out-00004.png"] {
        let image = Image::load(room.path(name)).unwrap();
        assert_eq!((image.width(), image.height()), (48, 38), "{name}");
    }
    assert!(!room.path("out-00001.png").exists() && !room.path("out-00005.png").exists());
    let log = fs::read_to_string(room.path("log.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    for (k, line) in lines.iter().enumerate() {
        assert_eq!(line["iteration"], k);
        assert!(line["seconds"].is_number() && line["style_layers"]["conv5_1"].is_number(), "{line}");
    }
    assert!(lines[4]["total"].as_f64().unwrap() < lines[0]["total"].as_f64().unwrap());
}

#[test]
fn scales_lead_from_coarse_to_fine() {
    let room = Room::new();
    for method in ["lbfgs", "adam"] {
        let arguments = format!(
            "paint @content.png @style.png -o @out.png --size 64 --scales 2 --iterations 3,2 --save-every 1 \
             --log @log.jsonl -q --optimizer {method} {SHALLOW}"
        );
        room.command(&arguments).assert().success();
        let width = |name: &str| Image::load(room.path(name)).unwrap().width();
        assert_eq!([1, 3, 4, 5].map(|k| width(&format!("out-0000{k}.png"))), [45, 45, 64, 64]);
        let log = log_lines(&room.path("log.jsonl"));
        let seen: Vec<_> = log.iter().map(|line| (&line["iteration"], &line["scale"])).collect();
        assert_eq!(serde_json::to_value(seen).unwrap().to_string(), "[[0,0],[1,0],[2,0],[3,1],[4,1]]");
        // The second scale begins with the picture of the first, not with the content once more.
        let content = |k: usize| log[k]["content"].as_f64().unwrap();
        assert!(content(0) == 0.0 && content(3) > 0.0, "{method}: {} {}", content(0), content(3));
    }
}

#[test]
fn until_ends_each_scale_when_the_loss_stands_still() {
    let room = Room::new();
    // Content alone, from the content: there is nothing to gain.
    let arguments = format!(
        "paint @content.png @style.png -o @out.png --size 48 --scales 2 --iterations 40 --style-weight 0 \
         --log @log.jsonl {SHALLOW}"
    );
    room.command(&arguments).assert().success();
    assert_eq!(log_lines(&room.path("log.jsonl")).len(), 80);
    let output = room.command(&format!("{arguments} --until 0.01")).output().unwrap();
    assert!(stderr(&output).contains("the loss stands still: ended after"), "{}", stderr(&output));
    let scales: Vec<_> =
        log_lines(&room.path("log.jsonl")).iter().map(|line| line["scale"].clone()).collect();
    let first = scales.iter().filter(|scale| **scale == 0).count();
    assert!((21..40).contains(&first) && scales.len() < 80, "{first} of {}", scales.len());
}

fn log_lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Layers that need little of the network, for tests that run the program often.
const SHALLOW: &str = "--content-layers conv2_1 --style-layers conv1_1,conv2_1";

fn paint(room: &Room, extra: &str) -> Vec<f32> {
    let arguments = format!(
        "paint @content.png @style.png -o @out.png --size 32 --iterations 4 --optimizer adam -q {SHALLOW} {extra}"
    );
    let output = room.command(arguments.trim_end()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{extra}: {}", stderr(&output));
    Image::load(room.path("out.png")).unwrap().into_pixels()
}

#[test]
fn each_option_of_paint_changes_the_picture() {
    let room = Room::new();
    room.picture("other.png", 36, 20);
    let plain = paint(&room, "");
    assert_eq!(plain, paint(&room, ""), "not reproducible");
    assert_eq!(plain, paint(&room, "--seed 3"), "the seed is for noise alone");
    assert_eq!(plain, paint(&room, "--scales auto"), "32 pixels are below the smallest scale");
    assert_eq!(plain, paint(&room, "--ratio 1e-3"), "1 / 1e-3 is the default style weight");
    for extra in [
        "--optimizer lbfgs",
        "--lr 0.5",
        "--init noise",
        "--init noise --seed 3",
        "--init style",
        "--init @other.png",
        "--init-noise 0.2",
        "--init-noise 0.2 --seed 3",
        "--average",
        "--style-scale 2",
        "--style-scale 0.5",
        "--strength 0.5",
        "--keep-colors luminance",
        "--keep-colors histogram",
        "--keep-colors linear",
        "--style-size 64",
        "--scales 2",
        "--iterations 3",
        "--content-layers conv1_2",
        "--style-layers conv1_1,conv2_1=3",
        "--ratio 1",
        "--style-weight 5",
        "--tv-weight 10000",
        "--scaling paper",
        "--scaling area",
        "--pool avg",
        "--network raw",
        "@other.png",
    ] {
        assert_ne!(plain, paint(&room, extra), "{extra} changed nothing");
    }
    for [a, b] in [
        ["--init noise", "--init noise --seed 3"],
        ["--init-noise 0.2", "--init-noise 0.2 --seed 3"],
        ["@other.png", "@other.png --style-weights 2,1"],
    ] {
        assert_ne!(paint(&room, a), paint(&room, b), "{b} is no different");
    }
    // Options that say what holds anyway, or that turn another off.
    for [a, b] in [
        ["", "--style-scale 1 --strength 1 --keep-colors none --init-noise 0 --average=false"],
        ["--style-size 64", "--style-scale 2"],
        ["@other.png", "@other.png --style-weights 3,3"],
        ["", "@other.png --style-weights 1,0"],
    ] {
        assert_eq!(paint(&room, a), paint(&room, b), "{b} is different from '{a}'");
    }
    let content = Image::load(room.path("content.png")).unwrap().resized("32".parse().unwrap()).unwrap();
    let rounded: Vec<f32> = content.pixels().iter().map(|v| v.round()).collect();
    assert_eq!(paint(&room, "--strength 0"), rounded, "nothing of the painting shows");
}

#[test]
fn the_last_of_a_repeated_option_counts() {
    let room = Room::new();
    assert_eq!(paint(&room, "--size 64 --size 32"), paint(&room, ""));
}

#[test]
fn unfit_pictures_are_refused() {
    let room = Room::new();
    fs::write(room.path("text.png"), "this is no picture").unwrap();
    room.picture("whole.jpg", 64, 64);
    let jpeg = fs::read(room.path("whole.jpg")).unwrap();
    fs::write(room.path("cut.jpg"), &jpeg[..jpeg.len() / 2]).unwrap();
    room.picture("dot.png", 1, 1);
    room.picture("tall.png", 3, 5000);
    let paint = |content: &str, words: &[&str]| {
        room.refuses(&format!("paint @{content} @style.png -o @out.png"), 1, words);
        room.refuses(&format!("paint @content.png @{content} -o @out.png"), 1, words);
        room.refuses(&format!("score @{content} @style.png @{content}"), 1, words);
    };
    paint("missing.png", &["missing.png", "not found"]);
    paint("text.png", &["text.png"]);
    paint("cut.jpg", &["cut.jpg"]);
    paint("tall.png", &["tall.png", "conv5_1", "at least 16"]);
    room.refuses("score @dot.png @style.png @dot.png", 1, &["dot.png", "1 x 1", "conv5_1"]);
    room.refuses("paint @dot.png @style.png -o @out.png --size full", 1, &["dot.png", "1 x 1"]);
    room.refuses("paint @content.png @style.png -o @out.png --init @missing.png", 1, &["missing.png"]);
    room.refuses("score @content.png @style.png @style.png", 1, &["style.png", "32 x 32", "40 x 32"]);
}

/// With shallow layers even these work.
#[test]
fn tiny_and_thin_pictures_work_as_far_as_their_layers_do() {
    let room = Room::new();
    room.picture("dot.png", 1, 1);
    room.picture("tall.png", 3, 500);
    let layers = "--content-layers conv1_2 --style-layers conv1_1";
    for name in ["dot.png", "tall.png"] {
        room.command(&format!(
            "paint @{name} @style.png -o @{name}.out.png --size full --iterations 2 {layers}"
        ))
        .assert()
        .success();
    }
}

#[test]
fn unfit_settings_are_refused() {
    let room = Room::new();
    let refuses = |extra: &str, words: &[&str]| {
        room.refuses(&format!("paint @content.png @style.png -o @out.png {extra}"), 2, words);
    };
    refuses("--size 0", &["size '0'", "from 1 up"]);
    refuses("--size 1.5", &["size '1.5'"]);
    refuses("--iterations 0", &["--iterations", "from 1 up"]);
    refuses("--scales 0", &["--scales", "from 1 to 16", "auto"]);
    refuses("--style-scale 0", &["--style-scale must be above 0"]);
    refuses("--style-weights 1,2", &["--style-weights has 2 numbers", "1 style images"]);
    refuses("--style-weights 0", &["--style-weights are all 0"]);
    refuses("--style-weights -1", &["--style-weights", "'-1' is no weight"]);
    refuses("--strength 1.5", &["--strength must be from 0 to 1"]);
    refuses("--init-noise -1", &["--init-noise must be from 0 to 1"]);
    refuses("--keep-colors hue", &["--keep-colors", "luminance, histogram, linear"]);
    refuses("--average", &["--average needs --optimizer adam"]);
    refuses("--scaling sum", &["--scaling", "mean, paper, area"]);
    refuses("--preset monet", &["--preset", "'monet'"]);
    refuses("--checkpoint-every 0", &["--checkpoint-every", "from 1 up"]);
    refuses("--until x", &["--until", "'x' is no weight"]);
    refuses("--size 32 --scales 3", &["3 scales are too many", "--scales 2"]);
    refuses("--iterations 5,5", &["--iterations has 2 numbers", "1 scales"]);
    refuses("--style-layers conv3_9", &["unknown layer 'conv3_9'", "did you mean conv3_"]);
    refuses("--content-layers relu4_2", &["did you mean conv4_2"]);
    refuses("--style-layers conv1_1=-2", &["conv1_1", "'-2' is no weight"]);
    refuses("--style-weight -1", &["--style-weight", "'-1' is no weight"]);
    refuses("--content-weight NaN", &["--content-weight", "'NaN' is no weight"]);
    refuses("--tv-weight inf", &["--tv-weight", "'inf' is no weight"]);
    refuses("--ratio 0", &["--ratio must be above 0"]);
    refuses("--ratio 1 --style-weight 2", &["--ratio", "cannot be used with"]);
    refuses("--content-weight 0 --style-weight 0", &["all weights are 0"]);
    refuses("--lr -1", &["--lr must be above 0"]);
    refuses("--history 0", &["--history must be from 1"]);
    refuses("--pool median", &["'median'", "--pool"]);
    refuses("--sise 3", &["--sise"]);
    room.refuses("paint @content.png -o @out.png", 2, &["required"]);
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_work() {
    let room = Room::new();
    let refuses = |output: &str, words: &[&str]| {
        room.refuses(&format!("paint @content.png @style.png -o {output}"), 1, words);
    };
    refuses("@nowhere/out.png", &["nowhere", "does not exist"]);
    refuses("@out.xyz", &["out.xyz", ".png"]);
    refuses("@.", &["cannot write"]);
    let log = "paint @content.png @style.png -o @out.png --size 32 --log @nowhere/log.jsonl";
    room.refuses(log, 1, &["log.jsonl", "does not exist"]);
    let checkpoint = "paint @content.png @style.png -o @out.png --size 32 --checkpoint @nowhere/c";
    room.refuses(checkpoint, 1, &["nowhere", "does not exist"]);
    let gradient = "score @content.png @style.png @content.png --gradient @nowhere/g.safetensors";
    room.refuses(gradient, 1, &["g.safetensors", "does not exist"]);
}

#[test]
fn bad_weights_are_refused() {
    let room = Room::new();
    fs::write(room.path("bad.safetensors"), "no tensors here").unwrap();
    let with = |file: &str| format!("paint @content.png @style.png -o @out.png --weights @{file}");
    room.refuses(&with("bad.safetensors"), 1, &["bad.safetensors"]);
    room.refuses(&with("missing.safetensors"), 1, &["missing.safetensors", "cannot read"]);
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/vgg19.safetensors")).unwrap();
    fs::write(room.path("cut.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    room.refuses(&with("cut.safetensors"), 1, &["cut.safetensors"]);
}

#[test]
fn without_an_adapter_the_error_says_what_to_install() {
    let room = Room::new();
    for arguments in ["devices", "paint @content.png @style.png -o @out.png"] {
        let mut command = room.command(arguments);
        // A backend that this system does not have.
        let foreign = if cfg!(windows) { "metal" } else { "dx12" };
        command.env("WGPU_BACKEND", foreign);
        let told = predicate::str::contains("mesa-vulkan-drivers").and(predicate::str::contains("Windows"));
        command.assert().code(1).stderr(told);
    }
    room.refuses("paint @content.png @style.png -o @out.png --device 99", 1, &["no device 99"]);
    room.refuses("paint @content.png @style.png -o @out.png --device turbo", 1, &["turbo"]);
}

/// A picture that no adapter can hold is refused before work starts, with a size that fits.
#[test]
fn pictures_too_large_for_the_adapter_are_refused() {
    let limit = common::fast_gpu().max_tensor_bytes();
    // 64 maps of f32 at full size.
    let side = ((limit / 256) as f64).sqrt() as u32 + 64;
    if side > 8000 {
        return; // a picture that large takes too long to make
    }
    let room = Room::new();
    room.picture("square.png", 64, 64);
    let large = format!("paint @square.png @style.png -o @out.png --size {side}");
    room.refuses(&large, 1, &["square.png", "the largest --size that fits is"]);
    let style = format!("paint @content.png @style.png -o @out.png --size 32 --style-size {side}");
    room.refuses(&style, 1, &["style.png", "the largest --style-size that fits is"]);
}

#[test]
fn presets_are_options_that_others_override() {
    let output = impasto().arg("presets").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for word in
        ["paper", "gatys", "neural-style", "tutorial", "udacity", "1/(4 N^2) sum (G-A)^2", "--lr 0.17"]
    {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    let room = Room::new();
    let small = "--optimizer lbfgs --network normalised --init content --tv-weight 0";
    // The options that a preset stands for, but for those that `paint` sets in all these runs.
    let by_hand = "--content-weight 5 --style-weight 0.1 --tv-weight 295 --network raw --init noise";
    assert_eq!(paint(&room, "--preset neural-style"), paint(&room, by_hand));
    let overridden = format!("--preset neural-style --content-weight 1 --style-weight 1000 {small}");
    assert_eq!(paint(&room, &overridden), paint(&room, "--optimizer lbfgs"));
}

#[test]
fn png_pictures_carry_settings_that_make_others_like_them() {
    let room = Room::new();
    let first = paint(&room, "--preset tutorial --tv-weight 5 --init style --ratio 1e-4");
    fs::rename(room.path("out.png"), room.path("first.png")).unwrap();
    let like = |extra: &str| {
        let line = format!("paint @content.png @style.png -o @out.png -q --like @first.png {extra}");
        room.command(line.trim_end()).assert().success();
        Image::load(room.path("out.png")).unwrap().into_pixels()
    };
    assert_eq!(like(""), first);
    assert_ne!(like("--tv-weight 0"), first);
    assert_ne!(like("--style-weight 5"), first, "the ratio of the file is in the way");
    let made = |file: &str| Image::note(room.path(file)).unwrap();
    assert!(
        made("first.png").contains("content.png")
            && !made("first.png").contains(room.folder.path().to_str().unwrap())
    );
    fs::remove_file(room.path("out.png")).unwrap();
    room.refuses(
        "paint @content.png @style.png -o @out.png --like @content.png",
        1,
        &["content.png", "no note"],
    );
    room.refuses("paint @content.png @style.png -o @out.png --like @none.png", 1, &["none.png"]);
}

#[test]
fn a_dry_run_tells_the_plan_and_writes_nothing() {
    let room = Room::new();
    let line = format!(
        "paint @content.png @style.png -o @out.png --size 64 --scales 2 --iterations 40 --dry-run -q --log @l {SHALLOW}"
    );
    let output = room.command(&line).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", stderr(&output));
    for word in ["device: ", "scale: 45 x 36, 40 evaluations", "scale: 64 x 51", "activations", "time: about"]
    {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert!(!room.path("out.png").exists() && !room.path("l").exists());
}

/// Ctrl-C ends the work early, with the picture so far.
#[cfg(unix)]
#[test]
fn an_interrupt_writes_the_picture_so_far() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let room = Room::new();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("impasto"))
        .args(["paint", "--size", "64", "--iterations", "100000", "-o"])
        .args([room.path("out.png"), room.path("content.png"), room.path("style.png")])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    // The first line of progress.
    assert!(lines.any(|line| line.contains("loss")), "no progress was shown");
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let rest: Vec<String> = lines.collect();
    assert!(rest.iter().any(|line| line.contains("stopped after")), "{rest:?}");
    assert_eq!(Image::load(room.path("out.png")).unwrap().width(), 64);
}

/// A run that is stopped, by Ctrl-C with its last word or by SIGKILL without, and gone on with, gives the
/// same bytes as one that is not.
#[cfg(unix)]
#[test]
fn a_stopped_run_goes_on_to_the_same_bytes() {
    use std::process::{Command, Stdio};

    let room = Room::new();
    for (method, signal, lines) in
        [("lbfgs", "-KILL", 3), ("lbfgs", "-INT", 33), ("adam --average", "-KILL", 30), ("adam", "-INT", 8)]
    {
        let line = |output: &str| {
            format!(
                "paint @content.png @style.png -o @{output}.png --size 64 --scales 2 --iterations 30,20 -q \
                 --log @{output}.jsonl --checkpoint @{output}.ck --checkpoint-every 1 --save-every 20 \
                 --history 5 {SHALLOW} --optimizer {method}"
            )
        };
        room.command(&line("whole")).assert().success();
        let broken = line("broken");
        let arguments = broken.split(' ').map(|argument| match argument.strip_prefix('@') {
            Some(name) => room.path(name).into_os_string(),
            None => argument.into(),
        });
        let _ = fs::remove_file(room.path("broken.jsonl"));
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("impasto"))
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let written = || fs::read_to_string(room.path("broken.jsonl")).map_or(0, |log| log.lines().count());
        while written() < lines && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let code = child.wait().unwrap().code();
        assert_eq!(
            code,
            if signal == "-INT" { Some(130) } else { None },
            "{method} was done before {signal}"
        );
        room.command("resume @broken.ck").assert().success();
        for name in [".png", "-00020.png", "-00040.png"] {
            let bytes = |run: &str| fs::read(room.path(&format!("{run}{name}"))).unwrap();
            assert!(bytes("whole") == bytes("broken"), "{method}, {signal}: {name} differs");
        }
        let losses = |run: &str| {
            let mut lines = log_lines(&room.path(&format!("{run}.jsonl")));
            lines.iter_mut().for_each(|line| line["seconds"] = Value::Null);
            lines
        };
        assert_eq!(losses("whole"), losses("broken"), "{method}, {signal}");
    }
}

#[test]
fn checkpoints_that_do_not_fit_are_refused() {
    let room = Room::new();
    let line = format!(
        "paint @content.png @style.png -o @a.png --size 32 --iterations 2 --checkpoint @ck {SHALLOW}"
    );
    room.command(&line).assert().success();
    // A finished run has nothing left to do, and writes the same picture again.
    let picture = fs::read(room.path("a.png")).unwrap();
    room.command("resume @ck").assert().success();
    assert_eq!(fs::read(room.path("a.png")).unwrap(), picture);

    let bytes = fs::read(room.path("ck")).unwrap();
    let with = |name: &str, bytes: &[u8]| fs::write(room.path(name), bytes).unwrap();
    with("cut", &bytes[..bytes.len() / 2]);
    with("text", b"no checkpoint");
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    with("flipped", &flipped);
    room.refuses("resume @cut", 1, &["cut", "damaged"]);
    room.refuses("resume @text", 1, &["text", "no checkpoint"]);
    room.refuses("resume @flipped", 1, &["flipped", "is damaged"]);
    room.refuses("resume @missing", 1, &["missing", "cannot read"]);
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/vgg19.safetensors");
    fs::copy(weights, room.path("foreign")).unwrap();
    room.refuses("resume @foreign", 1, &["foreign", "no checkpoint"]);
    room.picture("style.png", 20, 20);
    room.refuses("resume @ck", 1, &["ck", "other pictures"]);
    assert_eq!(fs::read(room.path("ck")).unwrap(), bytes, "the checkpoint was overwritten");
}

//! The command line: what it prints, what it refuses and how, and what becomes of files.

use std::fs;
use std::path::PathBuf;

use crate::common;
use crate::common::test_folder::{SHALLOW, TestFolder, impasto, log_lines, paint, stderr};
use impasto::image_io::Image;
use impasto::vgg19::weights::built_in_file;
use predicates::prelude::*;
use serde_json::Value;

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
    let folder = TestFolder::new();
    let output = impasto()
        .arg("score")
        .args([golden("content.png"), golden("style.png"), golden("image.png")])
        .arg("--gradient")
        .arg(folder.path("gradient.safetensors"))
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
    let file = fs::read(folder.path("gradient.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
    let gradient = tensors.tensor("gradient").unwrap();
    assert_eq!((gradient.shape(), gradient.dtype()), (&[3, 64, 96][..], safetensors::Dtype::F32));
}

#[test]
fn paint_writes_the_picture_the_log_and_the_frames() {
    let folder = TestFolder::new();
    let arguments = "paint @content.png @style.png -o @out.png --size 48 --iterations 5 --history 4 \
                     --log @log.jsonl --save-every 2 -v";
    let output = folder.command(arguments).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("memory: ") && stderr(&output).contains("optimizer"));
    for name in ["out.png", "out-00002.png", "out-00004.png"] {
        let image = Image::load(folder.path(name)).unwrap();
        assert_eq!((image.width(), image.height()), (48, 38), "{name}");
    }
    assert!(!folder.path("out-00001.png").exists() && !folder.path("out-00005.png").exists());
    let log = fs::read_to_string(folder.path("log.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    for (k, line) in lines.iter().enumerate() {
        assert_eq!(line["iteration"], k);
        assert!(line["seconds"].is_number() && line["style_layers"]["conv3_1"].is_number(), "{line}");
    }
    assert!(lines[4]["total"].as_f64().unwrap() < lines[0]["total"].as_f64().unwrap());
}

/// Of channels that hardly ever fire, the losses tell what the picture of a test does not show.
#[test]
fn networks_weigh_channels_differently() {
    let folder = TestFolder::new();
    let losses = ["balanced", "normalised", "raw"].map(|network| {
        let layers = "--content-layers conv4_1 --style-layers conv4_1";
        paint(&folder, &format!("--network {network} {layers} --init noise --log @log.jsonl"));
        log_lines(&folder.path("log.jsonl"))[0]["total"].as_f64().unwrap()
    });
    assert!(losses[0] < losses[1] && losses[1] < losses[2], "{losses:?}");
}

#[test]
fn scales_lead_from_coarse_to_fine() {
    let folder = TestFolder::new();
    for method in ["lbfgs", "adam"] {
        let arguments = format!(
            "paint @content.png @style.png -o @out.png --size 64 --scales 2 --iterations 3,2 --save-every 1 \
             --init-noise 0 --tone-weight 0 --log @log.jsonl -q --optimizer {method} {SHALLOW}"
        );
        folder.command(&arguments).assert().success();
        let width = |name: &str| Image::load(folder.path(name)).unwrap().width();
        assert_eq!([1, 3, 4, 5].map(|k| width(&format!("out-0000{k}.png"))), [45, 45, 64, 64]);
        let log = log_lines(&folder.path("log.jsonl"));
        let seen: Vec<_> = log.iter().map(|line| (&line["iteration"], &line["scale"])).collect();
        assert_eq!(serde_json::to_value(seen).unwrap().to_string(), "[[0,0],[1,0],[2,0],[3,1],[4,1]]");
        // The second scale begins with the picture of the first, not with the content once more.
        let content = |k: usize| log[k]["content"].as_f64().unwrap();
        assert!(content(0) == 0.0 && content(3) > 0.0, "{method}: {} {}", content(0), content(3));
    }
}

#[test]
fn each_option_of_paint_changes_the_picture() {
    let folder = TestFolder::new();
    for (name, black) in [("white.png", 0), ("half.png", 16)] {
        let rgb = (0..40 * 32).flat_map(|i| [if i % 40 < black { 0.0 } else { 255.0 }; 3]).collect();
        Image::from_rgb(40, 32, rgb).unwrap().save(folder.path(name)).unwrap();
    }
    folder.image("other.png", 36, 20);
    let plain = paint(&folder, "");
    assert_eq!(plain, paint(&folder, ""), "not reproducible");
    let bare = paint(&folder, "--init-noise 0");
    assert_eq!(bare, paint(&folder, "--init-noise 0 --seed 3"), "the seed is for noise alone");
    assert_eq!(plain, paint(&folder, "--scales auto"), "32 pixels are below the smallest scale");
    let documented = "--style-weight 2000 --tv-weight 0.005 --tone-weight 0.005 --lr 2 --content-weight 1 --init content \
                      --init-noise 0..0.9 --flat-content 0.2 --detail-content 2 --margin 8 --balance 5 \
                      --network balanced";
    assert_eq!(plain, paint(&folder, documented), "the documented defaults are others");
    let quasi_newton = |smoothing: &str| paint(&folder, &format!("--optimizer lbfgs {smoothing}"));
    assert_eq!(quasi_newton(""), quasi_newton("--smoothing 0.9"));
    assert_ne!(quasi_newton(""), quasi_newton("--smoothing 0"));
    for extra in [
        "--optimizer lbfgs",
        "--lr 0.5",
        "--init noise",
        "--init noise --seed 3",
        "--init style",
        "--init @other.png",
        "--init-noise 0",
        "--init-noise 0.2",
        "--init-noise 0.1..0.9",
        "--detail-content 1",
        "--margin 0",
        "--balance 3",
        "--scales 16px",
        "--supersampling 1.25",
        "--seed 3",
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
        "--style-layers conv1_1,conv2_1=3",
        "--ratio 1",
        "--style-weight 5",
        "--tone-weight 0",
        "--tv-weight 10000",
        "--scaling paper",
        "--style-mask @half.png",
        "--style-region @half.png",
        "--scaling area",
        "--pool avg",
        "--network raw",
        "@other.png",
    ] {
        assert_ne!(plain, paint(&folder, extra), "{extra} changed nothing");
    }
    for [a, b] in [
        ["--init noise", "--init noise --seed 3"],
        ["--init-noise 0.2", "--init-noise 0.2 --seed 3"],
        ["@other.png", "@other.png --style-weights 2,1"],
        // Adam's steps have the sign of the gradient, by default the style's.
        ["--style-weight 1", "--style-weight 1 --content-layers conv1_2"],
        ["--style-weight 1", "--style-weight 1 --content-mask @half.png"],
        // In flat parts that of tone would be the larger.
        ["--style-weight 1 --tone-weight 0", "--style-weight 1 --tone-weight 0 --flat-content 1"],
    ] {
        assert_ne!(paint(&folder, a), paint(&folder, b), "{b} is no different");
    }
    // Options that say what holds anyway, or that turn another off.
    for [a, b] in [
        ["", "--style-scale 1 --strength 1 --keep-colors none --init-noise 0..0.9 --average=false"],
        ["--style-size 64 --style-scale 1.5", "--style-scale 2"],
        ["", "--style-mask @white.png --content-mask @white.png"],
        ["", "--style-region @white.png"],
        ["@other.png", "@other.png --style-mask @white.png --style-mask @white.png"],
        ["@other.png", "@other.png --style-weights 3,3"],
        ["", "@other.png --style-weights 1,0"],
    ] {
        assert_eq!(paint(&folder, a), paint(&folder, b), "{b} is different from '{a}'");
    }
    let content = Image::load(folder.path("content.png")).unwrap().resized("32".parse().unwrap()).unwrap();
    let rounded: Vec<f32> = content.pixels().iter().map(|v| v.round()).collect();
    assert_eq!(paint(&folder, "--strength 0"), rounded, "nothing of the painting shows");
}

#[test]
fn the_last_of_a_repeated_option_counts() {
    let folder = TestFolder::new();
    assert_eq!(paint(&folder, "--size 64 --size 32"), paint(&folder, ""));
}

#[test]
fn unfit_pictures_are_refused() {
    let folder = TestFolder::new();
    fs::write(folder.path("text.png"), "this is no picture").unwrap();
    folder.image("whole.jpg", 64, 64);
    let jpeg = fs::read(folder.path("whole.jpg")).unwrap();
    fs::write(folder.path("cut.jpg"), &jpeg[..jpeg.len() / 2]).unwrap();
    folder.image("dot.png", 1, 1);
    folder.image("tall.png", 3, 5000);
    let paint = |content: &str, words: &[&str]| {
        folder.refuses(&format!("paint @{content} @style.png -o @out.png"), 1, words);
        folder.refuses(&format!("paint @content.png @{content} -o @out.png"), 1, words);
        folder.refuses(&format!("score @{content} @style.png @{content}"), 1, words);
    };
    paint("missing.png", &["missing.png", "not found"]);
    paint("text.png", &["text.png"]);
    paint("cut.jpg", &["cut.jpg"]);
    paint("tall.png", &["tall.png", "too few", "_1 needs at least"]);
    Image::from_rgb(4, 4, vec![0.0; 48]).unwrap().save(folder.path("black.png")).unwrap();
    for option in ["--style-mask", "--content-mask", "--style-region"] {
        let line = format!("paint @content.png @style.png -o @out.png {option}");
        folder.refuses(&format!("{line} @black.png"), 1, &["black.png", "black all over"]);
        folder.refuses(&format!("{line} @missing.png"), 1, &["missing.png", "not found"]);
    }
    folder.refuses("score @dot.png @style.png @dot.png", 1, &["dot.png", "1 x 1", "conv5_1"]);
    folder.refuses("paint @dot.png @style.png -o @out.png --size full", 1, &["dot.png", "1 x 1"]);
    folder.refuses("paint @content.png @style.png -o @out.png --init @missing.png", 1, &["missing.png"]);
    folder.refuses("score @content.png @style.png @style.png", 1, &["style.png", "32 x 32", "40 x 32"]);
}

/// With shallow layers even these work.
#[test]
fn tiny_and_thin_pictures_work_as_far_as_their_layers_do() {
    let folder = TestFolder::new();
    folder.image("dot.png", 1, 1);
    folder.image("tall.png", 3, 500);
    let layers = "--content-layers conv1_2 --style-layers conv1_1";
    for name in ["dot.png", "tall.png"] {
        folder
            .command(&format!(
                "paint @{name} @style.png -o @{name}.out.png --size full --iterations 2 {layers}"
            ))
            .assert()
            .success();
    }
}

#[test]
fn unfit_settings_are_refused() {
    let folder = TestFolder::new();
    let refuses = |extra: &str, words: &[&str]| {
        folder.refuses(&format!("paint @content.png @style.png -o @out.png {extra}"), 2, words);
    };
    refuses("--size 0", &["size '0'", "from 1 up"]);
    refuses("--size 1.5", &["size '1.5'"]);
    refuses("--iterations 0", &["--iterations", "from 1 up"]);
    refuses("--scales 0", &["--scales", "from 1 to 16", "auto"]);
    refuses("--style-scale 0", &["--style-scale must be above 0"]);
    refuses("--style-weights 1,2", &["--style-weights has 2 numbers", "style images is 1"]);
    refuses("--style-weights 0", &["--style-weights are all 0"]);
    refuses("--style-weights -1", &["--style-weights", "'-1' is no weight"]);
    refuses("--style-mask @style.png,@style.png", &["--style-mask has 2 files", "style images is 1"]);
    refuses("--style-region @style.png,@style.png", &["--style-region has 2 files", "style images is 1"]);
    refuses("--strength 1.5", &["--strength must be from 0 to 1"]);
    refuses("--init-noise -1", &["--init-noise must be from 0 to 1"]);
    refuses("--keep-colors hue", &["--keep-colors", "luminance, histogram, linear"]);
    refuses("--average", &["--average needs --optimizer adam"]);
    refuses("--scaling sum", &["--scaling", "mean, paper, area"]);
    refuses("--preset monet", &["--preset", "'monet'"]);
    refuses("--checkpoint-every 0", &["--checkpoint-every", "from 1 up"]);
    refuses("--until x", &["--until", "'x' is no weight"]);
    refuses("--size 32 --scales 8", &["--scales 8 is too many", "use --scales 6 or less"]);
    refuses("--supersampling 0.5", &["--supersampling", "'0.5'", "from 1 to 4"]);
    refuses("--iterations 5,5 --scales 1", &["--iterations has 2 numbers", "number of scales is 1"]);
    refuses("--style-layers conv3_9", &["unknown layer 'conv3_9'", "did you mean conv3_"]);
    refuses("--content-layers relu4_2", &["did you mean conv4_2"]);
    refuses("--style-layers conv1_1=-2", &["conv1_1", "'-2' is no weight"]);
    refuses("--style-weight -1", &["--style-weight", "'-1' is no weight"]);
    refuses("--content-weight NaN", &["--content-weight", "'NaN' is no weight"]);
    refuses("--tv-weight inf", &["--tv-weight", "'inf' is no weight"]);
    refuses("--ratio 0", &["--ratio must be above 0"]);
    refuses("--ratio 1 --style-weight 2", &["--ratio", "cannot be used with"]);
    refuses(
        "--content-weight 0 --style-weight 0 --tv-weight 0",
        &["--content-weight is 0", "a larger --style-weight"],
    );
    refuses("--lr -1", &["--lr must be above 0"]);
    refuses("--history 0", &["--history must be from 1"]);
    refuses("--pool median", &["'median'", "--pool"]);
    refuses("--sise 3", &["--sise"]);
    folder.refuses("paint @content.png -o @out.png", 2, &["required"]);
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_work() {
    let folder = TestFolder::new();
    let refuses = |output: &str, words: &[&str]| {
        folder.refuses(&format!("paint @content.png @style.png -o {output}"), 1, words);
    };
    refuses("@nowhere/out.png", &["nowhere", "does not exist"]);
    refuses("@out.xyz", &["out.xyz", ".png"]);
    refuses("@.", &["cannot write"]);
    let log = "paint @content.png @style.png -o @out.png --size 32 --log @nowhere/log.jsonl";
    folder.refuses(log, 1, &["log.jsonl", "does not exist"]);
    let checkpoint = "paint @content.png @style.png -o @out.png --size 32 --checkpoint @nowhere/c";
    folder.refuses(checkpoint, 1, &["nowhere", "does not exist"]);
    let gradient = "score @content.png @style.png @content.png --gradient @nowhere/g.safetensors";
    folder.refuses(gradient, 1, &["g.safetensors", "does not exist"]);
}

#[test]
fn bad_weights_are_refused() {
    let folder = TestFolder::new();
    fs::write(folder.path("bad.safetensors"), "no tensors here").unwrap();
    let with = |file: &str| format!("paint @content.png @style.png -o @out.png --weights @{file}");
    folder.refuses(&with("bad.safetensors"), 1, &["bad.safetensors"]);
    folder.refuses(&with("missing.safetensors"), 1, &["missing.safetensors", "cannot read"]);
    let bytes = built_in_file().unwrap();
    fs::write(folder.path("cut.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    folder.refuses(&with("cut.safetensors"), 1, &["cut.safetensors"]);
}

#[test]
fn without_an_adapter_the_error_says_what_to_install() {
    let folder = TestFolder::new();
    for arguments in ["devices", "paint @content.png @style.png -o @out.png"] {
        let mut command = folder.command(arguments);
        // A backend that this system does not have.
        let foreign = if cfg!(windows) { "metal" } else { "dx12" };
        command.env("WGPU_BACKEND", foreign);
        let told = predicate::str::contains("mesa-vulkan-drivers").and(predicate::str::contains("Windows"));
        command.assert().code(1).stderr(told);
    }
    folder.refuses("paint @content.png @style.png -o @out.png --device 99", 1, &["no device 99"]);
    folder.refuses("paint @content.png @style.png -o @out.png --device turbo", 1, &["turbo"]);
}

/// A layer too large for one tensor that is needed whole is planned in tiles; commands without tiles refuse it before
/// work starts, with a size that fits.
#[test]
fn pictures_too_large_for_one_piece_go_in_tiles() {
    // 64 feature maps of f32 at full size are larger than this.
    let (limit, side) = (64 << 20, 576);
    assert!(64 * 4 * side * side > limit);
    let folder = TestFolder::on_device(&format!("max-tensor-bytes={limit}"));
    folder.image("square.png", 64, 64);
    let layers = "--content-layers conv1_2 --style-layers conv1_1";
    let line = format!(
        "paint @square.png @style.png -o @out.png --size {side} --scales 1 --margin 0 --dry-run {layers}"
    );
    let output = folder.command(&line).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(text.contains(&format!("scale: {side} x {side}: in tiles of up to")), "{text}");
    let memory = common::memory_option(150 << 20);
    let line = format!(
        "paint @content.png @style.png -o @out.png --size 32 --style-size {side} --memory {memory} --dry-run {SHALLOW}"
    );
    let output = folder.command(&line).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("in one piece, its styles in tiles of"), "{text}");
    let large = format!("features @square.png --layer conv1_1 -o @out.png --size {side}");
    folder.refuses(&large, 1, &["square.png", "or less", "use --size"]);
    folder.refuses("profile --size 20000 --no-tune", 1, &["--size", "use --size"]);
    // What it suggests is the largest that fits, and larger in f16.
    let suggested = |precision: &str| -> u32 {
        let line = format!("features @square.png --layer conv1_1 -o @out.png --size {} --no-tune", 2 * side);
        let output = folder.command(&format!("{line} --precision {precision}")).output().unwrap();
        let text = stderr(&output);
        let remedy = text.rsplit_once("use --size ").unwrap().1;
        remedy.split(' ').next().unwrap().parse().unwrap()
    };
    let largest = suggested("f32");
    assert!(suggested("f16") > largest);
    let line = |side: u32| format!("features @square.png --layer conv1_1 -o @out.png --maps 1 --size {side}");
    folder.command(&line(largest)).assert().success();
    folder.command(&line(largest + 1)).assert().code(1);
    // Where only block 1 is too large it goes in bands.
    folder
        .command(&format!("features @square.png --layer conv2_1 -o @out.png --maps 4 --size {side}"))
        .assert()
        .success();
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let folder = TestFolder::new();
    folder.command("extras @extras").assert().success();
    let read = |name: &str| fs::read_to_string(folder.path("extras").join(name)).unwrap();
    let help = String::from_utf8(impasto().arg("--help").output().unwrap().stdout).unwrap();
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let commands: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() > 12 && commands.contains(&"studio"), "{commands:?}");
    let shells = ["impasto.bash", "impasto.elv", "impasto.fish", "_impasto.ps1", "_impasto"];
    for command in commands {
        let page = read(&format!("man/impasto-{command}.1"));
        assert!(page.contains(".TH") && page.contains(".SH OPTIONS"), "{command}");
        for shell in shells {
            assert!(read(&format!("completions/{shell}")).contains(command), "{shell}: {command}");
        }
    }
    assert!(
        read("man/impasto-paint.1").contains("balance") && read("man/impasto.1").contains("impasto\\-paint")
    );
    fs::write(folder.path("file"), "").unwrap();
    folder.refuses("extras @file/x", 1, &["file", "choose another folder"]);
}

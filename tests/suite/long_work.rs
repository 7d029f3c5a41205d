//! Long work: presets and settings that travel, plans, early ends, stops and going on, animations.

use std::fs;

use crate::common::test_folder::{SHALLOW, TestFolder, impasto, log_lines, paint, stderr};
use impasto::image_io::Image;
use impasto::vgg19::weights::built_in_file;
use serde_json::Value;

#[test]
fn presets_are_options_that_others_override() {
    let output = impasto().arg("presets").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for word in
        ["paper", "gatys", "neural-style", "tutorial", "udacity", "1/(4 N^2) sum (G-A)^2", "--lr 0.17"]
    {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    let folder = TestFolder::new();
    let small = "--optimizer lbfgs --network balanced --init content --tv-weight 0 --tone-weight 0.005 \
         --flat-content 0.2 --detail-content 2 --margin 8 --smoothing 0.9";
    // The options that a preset stands for, but for those that `paint` sets in all these runs.
    let by_hand = "--content-weight 5 --style-weight 0.1 --tv-weight 295 --network raw --init noise \
                   --flat-content 1 --detail-content 1 --tone-weight 0 --margin 0 --smoothing 0";
    assert_eq!(paint(&folder, "--preset neural-style"), paint(&folder, by_hand));
    let overridden = format!("--preset neural-style --content-weight 1 --style-weight 1000 {small}");
    let plain = "--optimizer lbfgs --style-weight 1000 --tv-weight 0";
    assert_eq!(paint(&folder, &overridden), paint(&folder, plain));
}

#[test]
fn png_pictures_carry_settings_that_make_others_like_them() {
    let folder = TestFolder::new();
    let first = paint(&folder, "--preset tutorial --tv-weight 5 --init style --ratio 1e-4");
    fs::rename(folder.path("out.png"), folder.path("first.png")).unwrap();
    let like = |extra: &str| {
        let line = format!("paint @content.png @style.png -o @out.png -q --like @first.png {extra}");
        folder.command(line.trim_end()).assert().success();
        Image::load(folder.path("out.png")).unwrap().into_pixels()
    };
    assert_eq!(like(""), first);
    assert_ne!(like("--tv-weight 0"), first);
    assert_ne!(like("--style-weight 5"), first, "the ratio of the file is in the way");
    let made = |file: &str| Image::note(folder.path(file)).unwrap();
    assert!(
        made("first.png").contains("content.png")
            && !made("first.png").contains(folder.root().to_str().unwrap())
    );
    fs::remove_file(folder.path("out.png")).unwrap();
    folder.refuses(
        "paint @content.png @style.png -o @out.png --like @content.png",
        1,
        &["content.png", "no note"],
    );
    folder.refuses("paint @content.png @style.png -o @out.png --like @none.png", 1, &["none.png"]);
}

/// What docs/src/guide/defaults.md and --help promise of a picture that is larger than the smallest scale.
#[test]
fn the_default_is_coarse_to_fine() {
    let folder = TestFolder::new();
    let line = "paint @content.png @style.png -o @out.png --size 512 --dry-run -q \
                --content-layers conv2_1 --style-layers conv1_1,conv2_1";
    let output = folder.command(line).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = |text: &str, size: &str, evaluations: &str| {
        let mut lines = text.lines().filter(|line| line.starts_with("scale: "));
        lines.any(|line| line.contains(size) && line.contains(evaluations))
    };
    for (size, evaluations) in [
        // With the margin of eight pixels on each side.
        ("378 x 306:", "; 120 evaluations"),
        ("528 x 426:", "; 60 evaluations"),
    ] {
        assert!(told(&text, size, evaluations), "{size} is not in {text}{}", stderr(&output));
    }
    assert!(!text.contains("picture: "), "{text}");
    let output = folder.command(&format!("{line} --size 256 --supersampling 1.25")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told(&text, "336 x 272:", "; 120 evaluations") && text.contains("picture: 256 x 205"), "{text}");
}

#[test]
fn a_dry_run_tells_the_plan_and_writes_nothing() {
    let folder = TestFolder::new();
    let line = format!(
        "paint @content.png @style.png -o @out.png --size 64 --scales 2 --iterations 40 --dry-run -q --log @l {SHALLOW}"
    );
    let output = folder.command(&line).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", stderr(&output));
    for word in [
        "device: ",
        "margin: 8 pixels on each side",
        "scale: 61 x 52: in one piece",
        "40 evaluations",
        "scale: 80 x 67",
        "activations",
        "time: about",
    ] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert!(!folder.path("out.png").exists() && !folder.path("l").exists());
}

/// Ctrl-C ends the work early, with the picture so far.
#[cfg(unix)]
#[test]
fn an_interrupt_writes_the_picture_so_far() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let folder = TestFolder::new();
    let line = "paint @content.png @style.png -o @out.png --size 64 --iterations 100000";
    let mut child = folder.process(line).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    // The first line of progress.
    assert!(lines.any(|line| line.contains("loss")), "no progress was shown");
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let rest: Vec<String> = lines.collect();
    assert!(rest.iter().any(|line| line.contains("stopped after")), "{rest:?}");
    assert_eq!(Image::load(folder.path("out.png")).unwrap().width(), 64);
}

/// A run through two scales of 30 and 20 evaluations, with all that may go on after a stop.
#[cfg(unix)]
fn long_line(output: &str, method: &str) -> String {
    format!(
        "paint @content.png @style.png -o @{output}.png --size 64 --scales 2 --iterations 30,20 -q \
         --log @{output}.jsonl --checkpoint @{output}.ck --checkpoint-every 1 --save-every 20 \
         --history 5 {SHALLOW} --optimizer {method}"
    )
}

/// Begins the run `broken` and ends it by a signal once its log has this many evaluations. A machine may be so busy, or a
/// device so fast, that the run is done before: then it is tried again.
#[cfg(unix)]
fn stop(folder: &TestFolder, method: &str, signal: &str, evaluations: usize) {
    use std::process::{Command, Stdio};

    let log = folder.path("broken.jsonl");
    let written = || fs::read_to_string(&log).map_or(0, |log| log.lines().count());
    let expected = if signal == "-INT" { Some(130) } else { None };
    for _ in 0..10 {
        let _ = fs::remove_file(&log);
        let mut child = folder.process(&long_line("broken", method)).stderr(Stdio::null()).spawn().unwrap();
        while written() < evaluations && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        let code = child.wait().unwrap().code();
        if code == expected {
            return;
        }
        assert_eq!(code, Some(0), "{method}, {signal} after {evaluations}");
    }
    panic!("{method} was always done before {signal} after {evaluations}");
}

/// A run that is stopped, by Ctrl-C with its last word or by SIGKILL without, and gone on with, gives the
/// same bytes as one that is not: within the first scale, where it ends, and within the second.
#[cfg(unix)]
#[test]
fn a_stopped_run_goes_on_to_the_same_bytes() {
    let folder = TestFolder::new();
    let losses = |run: &str| {
        let mut lines = log_lines(&folder.path(&format!("{run}.jsonl")));
        lines.iter_mut().for_each(|line| line["seconds"] = Value::Null);
        lines
    };
    for method in ["lbfgs", "adam --supersampling 1.25", "adam --average"] {
        folder.command(&long_line("whole", method)).assert().success();
        for (signal, evaluations) in [3, 30, 36].into_iter().flat_map(|n| [("-INT", n), ("-KILL", n)]) {
            stop(&folder, method, signal, evaluations);
            folder.command("resume @broken.ck").assert().success();
            for name in [".png", "-00020.png", "-00040.png"] {
                let bytes = |run: &str| fs::read(folder.path(&format!("{run}{name}"))).unwrap();
                let same = bytes("whole") == bytes("broken");
                assert!(same, "{method}, {signal} after {evaluations}: {name} differs");
            }
            assert_eq!(losses("whole"), losses("broken"), "{method}, {signal} after {evaluations}");
        }
    }
}

#[test]
fn checkpoints_that_do_not_fit_are_refused() {
    let folder = TestFolder::new();
    let line = format!(
        "paint @content.png @style.png -o @a.png --size 32 --iterations 2 --checkpoint @ck {SHALLOW}"
    );
    folder.command(&line).assert().success();
    // A finished run has nothing left to do, and writes the same picture again.
    let image = fs::read(folder.path("a.png")).unwrap();
    folder.command("resume @ck").assert().success();
    assert_eq!(fs::read(folder.path("a.png")).unwrap(), image);

    let bytes = fs::read(folder.path("ck")).unwrap();
    let with = |name: &str, bytes: &[u8]| fs::write(folder.path(name), bytes).unwrap();
    with("cut", &bytes[..bytes.len() / 2]);
    with("text", b"no checkpoint");
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    with("flipped", &flipped);
    folder.refuses("resume @cut", 1, &["cut", "damaged"]);
    folder.refuses("resume @text", 1, &["text", "no checkpoint"]);
    folder.refuses("resume @flipped", 1, &["flipped", "is damaged"]);
    folder.refuses("resume @missing", 1, &["missing", "cannot read"]);
    fs::write(folder.path("foreign"), built_in_file().unwrap()).unwrap();
    folder.refuses("resume @foreign", 1, &["foreign", "no checkpoint"]);
    folder.image("style.png", 20, 20);
    folder.refuses("resume @ck", 1, &["ck", "other images"]);
    assert_eq!(fs::read(folder.path("ck")).unwrap(), bytes, "the checkpoint was overwritten");
}

#[test]
fn frames_become_an_animation() {
    let folder = TestFolder::new();
    let line = format!(
        "paint @content.png @style.png -o @out.png --size 32 --scales 2 --iterations 4 --save-every 2 -q {SHALLOW}"
    );
    for name in ["a.gif", "a.webp", "a.apng"] {
        folder.command(&format!("{line} --animate @{name}")).assert().success();
    }
    // Frames 2, 4, 6 and 8, and the picture.
    let decoder =
        image::codecs::gif::GifDecoder::new(std::io::Cursor::new(fs::read(folder.path("a.gif")).unwrap()));
    let frames = image::AnimationDecoder::into_frames(decoder.unwrap()).collect_frames().unwrap();
    assert_eq!(frames.len(), 5);
    assert!(frames.iter().all(|frame| frame.buffer().width() == 32));
    fs::remove_file(folder.path("out.png")).unwrap();
    folder.refuses(&format!("{line} --animate @a.mp4"), 1, &["a.mp4", ".gif"]);
    folder.refuses("paint @content.png @style.png -o @out.png --animate @a.gif", 2, &["required"]);
}

#[test]
fn until_ends_each_scale_when_the_loss_stands_still() {
    let folder = TestFolder::new();
    // Content alone, from the content: there is nothing to gain.
    let arguments = format!(
        "paint @content.png @style.png -o @out.png --init-noise 0 --size 48 --scales 2 --iterations 40 \
         --style-weight 0 --tone-weight 0 --tv-weight 0 --log @log.jsonl {SHALLOW}"
    );
    folder.command(&arguments).assert().success();
    assert_eq!(log_lines(&folder.path("log.jsonl")).len(), 80);
    let output = folder.command(&format!("{arguments} --until 0.01")).output().unwrap();
    assert!(stderr(&output).contains("the loss stands still: ended after"), "{}", stderr(&output));
    let scales: Vec<_> =
        log_lines(&folder.path("log.jsonl")).iter().map(|line| line["scale"].clone()).collect();
    let first = scales.iter().filter(|scale| **scale == 0).count();
    assert!((21..40).contains(&first) && scales.len() < 80, "{first} of {}", scales.len());
}

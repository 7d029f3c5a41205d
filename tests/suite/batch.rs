//! `impasto batch`: a folder of contents, its shards, what is skipped, and going on.

use std::fs;
use std::process::Output;

use crate::common::test_folder::{SHALLOW, TestFolder, stderr};
use crate::common::{DEVICE_SWITCHES, root, switches};
use impasto::image_io::Image;

/// A test folder with a folder `in` of contents of these names.
fn folder_with(names: &[&str]) -> TestFolder {
    let folder = TestFolder::new();
    fs::create_dir(folder.path("in")).unwrap();
    for (k, name) in names.iter().enumerate() {
        folder.image(&format!("in/{name}"), 32 + 8 * (k as u32 % 2), 32);
    }
    folder
}

const LINE: &str = "batch @in @style.png -o @out --size 32 --iterations 3";

fn batch(folder: &TestFolder, extra: &str) -> Output {
    folder.command(format!("{LINE} {SHALLOW} {extra}").trim_end()).output().unwrap()
}

/// The names in the output folder, sorted.
fn written(folder: &TestFolder) -> Vec<String> {
    let entries = fs::read_dir(folder.path("out")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The pictures of a batch are those of single runs, to the byte, and keep their settings.
#[test]
fn a_batch_paints_what_single_runs_paint() {
    let folder = folder_with(&["a.png", "b.jpg", "c.png"]);
    fs::write(folder.path("in/notes.txt"), "no image").unwrap();
    let output = batch(&folder, "--scales 2 --save-every 4");
    assert!(output.status.success(), "{}", stderr(&output));
    for word in ["1 of 3: ", "3 of 3: ", "c.png", "3 of 3 painted"] {
        assert!(stderr(&output).contains(word), "{word} is not in {}", stderr(&output));
    }
    let frames = ["a-00004.png", "a.png", "b-00004.png", "b.png", "c-00004.png", "c.png"];
    assert_eq!(written(&folder), frames);
    // With linear each content has a style image of its own, so nothing that was seen before may be used.
    folder.mask("mask.png", 20, 16);
    let files = "--init @style.png --style-mask @mask.png --content-mask @mask.png";
    for extra in ["--scales 2", "--keep-colors linear", files] {
        assert!(batch(&folder, &format!("--overwrite {extra}")).status.success());
        for (content, image) in [("a.png", "a.png"), ("b.jpg", "b.png"), ("c.png", "c.png")] {
            let line = "@style.png -o @one.png --size 32 --iterations 3";
            let single = format!("paint @in/{content} {line} {SHALLOW} {extra}");
            folder.command(&single).assert().success();
            let bytes = |name: &str| fs::read(folder.path(name)).unwrap();
            assert!(bytes("one.png") == bytes(&format!("out/{image}")), "{image}, {extra}");
        }
    }
}

#[test]
fn bad_files_are_reported_and_skipped() {
    let folder = folder_with(&["a.png", "d.png", "d.webp"]);
    fs::write(folder.path("in/b.png"), "no picture").unwrap();
    let output = batch(&folder, "-q");
    assert_eq!(output.status.code(), Some(1));
    let errors = stderr(&output);
    let lines: Vec<_> = errors.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(lines.len(), 2, "{errors}");
    assert!(lines[0].contains("b.png") && lines[0].contains("skipped"), "{errors}");
    assert!(lines[1].contains("d.webp") && lines[1].contains("rename"), "{errors}");
    assert_eq!(written(&folder), ["a.png", "d.png"]);
}

#[test]
fn what_is_left_out_is_reported() {
    let folder = folder_with(&["a.png"]);
    fs::write(folder.path("in/notes.txt"), "no image").unwrap();
    fs::write(folder.path("in/b.heic"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    // A name need not tell what a file holds.
    fs::copy(folder.path("style.png"), folder.path("in/photo")).unwrap();
    fs::copy(root().join("tests/images/gif-palette.gif"), folder.path("in/still.gif")).unwrap();
    let output = batch(&folder, "");
    assert!(output.status.success(), "{}", stderr(&output));
    for words in [
        &["left out:", "b.heic", "HEIC cannot be read: convert it with heif-convert"][..],
        &["left out:", "notes.txt", "not an image"],
        &["3 of 3 painted"],
    ] {
        let text = stderr(&output);
        let told = text.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(told, "no line has {words:?}: {text}");
    }
    assert_eq!(written(&folder), ["a.png", "photo.png", "still.png"]);
}

#[test]
fn every_content_meets_every_style_or_its_own() {
    let folder = folder_with(&["a.png", "b.png"]);
    fs::create_dir(folder.path("styles")).unwrap();
    for name in ["styles/x.png", "styles/y.png", "styles/z.png"] {
        folder.image(name, 24 + name.len() as u32 + u32::from(name.as_bytes()[7] % 3) * 8, 32);
    }
    let run = |line: &str| {
        let line = format!("batch @in {line} -o @out --size 32 --iterations 3 {SHALLOW}");
        let output = folder.command(&line).output().unwrap();
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        let names = written(&folder);
        (stderr(&output), names)
    };
    let (text, names) = run("@styles");
    assert_eq!(names, ["a-x.png", "a-y.png", "a-z.png", "b-x.png", "b-y.png", "b-z.png"]);
    assert!(text.contains("b.png in the style of") && text.contains("6 of 6 painted"), "{text}");
    for (content, style) in [("a", "x"), ("b", "z")] {
        let line =
            format!("paint @in/{content}.png @styles/{style}.png -o @one.png --size 32 --iterations 3");
        folder.command(&format!("{line} -q {SHALLOW}")).assert().success();
        let bytes = |name: &str| fs::read(folder.path(name)).unwrap();
        assert!(bytes("one.png") == bytes(&format!("out/{content}-{style}.png")), "{content} {style}");
    }
    fs::remove_dir_all(folder.path("out")).unwrap();
    let pattern = folder.path("styles/[xy].png").display().to_string().replace("[xy]", "?");
    let line = "batch @in @styles -o @out --size 32 --iterations 3 --styles pairs";
    folder.refuses(line, 2, &["--styles pairs", "contents 2, styles 3"]);
    fs::remove_file(folder.path("styles/z.png")).unwrap();
    assert_eq!(run(&format!("{pattern} --styles pairs")).1, ["a-x.png", "b-y.png"]);
    fs::remove_dir_all(folder.path("out")).unwrap();
    assert_eq!(run("@styles --styles blend").1, ["a.png", "b.png"]);
    fs::remove_dir_all(folder.path("out")).unwrap();
    assert_eq!(
        run("@styles/x.png @styles/y.png --styles each").1,
        ["a-x.png", "a-y.png", "b-x.png", "b-y.png"]
    );
}

#[test]
fn finished_pictures_are_kept_unless_asked() {
    let folder = folder_with(&["a.png", "b.png"]);
    fs::create_dir(folder.path("out")).unwrap();
    fs::write(folder.path("out/a.png"), "finished").unwrap();
    let output = batch(&folder, "");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("a.png is there already"), "{}", stderr(&output));
    assert!(stderr(&output).contains("1 of 2 painted, 1 there already (--overwrite"), "{}", stderr(&output));
    assert_eq!(fs::read(folder.path("out/a.png")).unwrap(), b"finished");
    assert!(batch(&folder, "--overwrite").status.success());
    assert_eq!(Image::load(folder.path("out/a.png")).unwrap().width(), 32);
}

#[test]
fn shards_share_a_batch_without_overlap() {
    let folder = folder_with(&["a.png", "b.png", "c.png"]);
    assert!(batch(&folder, "--shard 2/2 --format jpg").status.success());
    assert_eq!(written(&folder), ["b.jpg"]);
    assert!(batch(&folder, "--shard 1/2 --format jpg").status.success());
    assert_eq!(written(&folder), ["a.jpg", "b.jpg", "c.jpg"]);
    let beyond = batch(&folder, "--shard 4/4 --format webp");
    assert!(beyond.status.success() && stderr(&beyond).contains("0 of 0 painted"), "{}", stderr(&beyond));
}

#[test]
fn what_no_batch_can_do_is_refused() {
    let folder = folder_with(&["a.png"]);
    for shard in ["0/2", "3/2", "1", "x/2", "1/0"] {
        folder.refuses(&format!("{LINE} --shard {shard}"), 2, &["--shard", "I from 1 to N"]);
    }
    let single = "paint @content.png @style.png -o @out.png";
    for option in ["--shard 1/2", "--overwrite", "--format jpg"] {
        folder.refuses(&format!("{single} {option}"), 2, &["unexpected argument"]);
    }
    for option in ["--checkpoint @ck", "--log @log.jsonl", "--profile", "--dry-run"] {
        folder.refuses(&format!("{LINE} {option}"), 2, &["unexpected argument"]);
    }
    for line in ["paint --batch @in @style.png -o @out --shard 1/2", "paint @in @style.png --batch"] {
        folder.refuses(line, 2, &["impasto batch FOLDER STYLE... -o FOLDER"]);
    }
    folder.refuses("batch @content.png @style.png -o @out", 1, &["content.png", "folder of images"]);
    folder.refuses("batch @in @style.png -o @in", 2, &["--output must be another folder"]);
    folder.refuses("batch @in @style.png -o @style.png", 1, &["style.png", "folder"]);
    folder.refuses("batch @in @missing.png -o @out", 1, &["missing.png", "not found"]);
    fs::create_dir(folder.path("empty")).unwrap();
    folder.refuses("batch @empty @style.png -o @out", 1, &["empty", "holds no image"]);
}

/// Ctrl-C ends the batch with the picture so far under a name of its own, and the next run paints that
/// content again.
#[cfg(unix)]
#[test]
fn an_interrupted_batch_goes_on() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let folder = folder_with(&["a.png", "b.png"]);
    let line = format!("{LINE} --iterations 100000 {SHALLOW}");
    let mut child = folder.process(&line).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("loss")), "no progress was shown");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let rest: Vec<String> = lines.collect();
    assert!(rest.iter().any(|line| line.contains("0 of 2 painted; stopped")), "{rest:?}");
    let names = written(&folder);
    assert!(names.len() == 1 && names[0].starts_with("a-0"), "{names:?}");
    assert!(batch(&folder, "").status.success());
    assert_eq!(written(&folder)[1..], ["a.png", "b.png"]);
}

/// A lost device ends a batch: every other picture would fail as well.
#[test]
fn a_lost_device_ends_a_batch() {
    let folder = TestFolder::new();
    std::fs::create_dir(folder.path("in")).unwrap();
    for name in ["in/a.png", "in/b.png", "in/c.png"] {
        folder.image(name, 24, 20);
    }
    let line =
        format!("batch @in @style.png -o @out --size 24 --scales 1 --iterations 4 --no-tune {SHALLOW}");
    let output = folder.command(&line).env(DEVICE_SWITCHES, switches("lost-at=20")).output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.matches("the device was lost").count(), 1, "{text}");
    assert!(text.contains("of 3 painted"), "{text}");
}

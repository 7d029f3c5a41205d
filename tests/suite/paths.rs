//! Files as people name them: outputs that are inputs, standard input and output, pasted paths, commas.

use std::fs;

use crate::common::test_folder::{SHALLOW, TestFolder, paint, stderr};
use impasto::image_io::Image;
use impasto::vgg19::weights::built_in_file;

/// Every file of a folder with its bytes.
fn contents(folder: &TestFolder) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder.root()).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    let mut files: Vec<_> =
        files.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

/// The command is refused as wrong use, in one line with these words, and changes no file.
fn refuses(folder: &TestFolder, line: &str, words: &[&str]) {
    let before = contents(folder);
    folder.refuses(line, 2, words);
    assert!(contents(folder) == before, "{line}: a file has changed");
}

#[test]
fn no_output_replaces_an_input() {
    let folder = TestFolder::new();
    let size = "--size 32 --iterations 2 --no-tune";
    let made = format!("paint @content.png @style.png -o @made.png {size} {SHALLOW} -q");
    folder.command(&made).assert().success();
    for name in ["mask.png", "start.png", "image.png", "out-00002.png"] {
        folder.image(name, 40, 32);
    }
    fs::write(folder.path("weights.safetensors"), built_in_file().unwrap()).unwrap();
    let inputs = "--style-mask @mask.png --content-mask @mask.png --init @start.png --like @made.png \
                  --weights @weights.safetensors";
    let paint = format!("paint @content.png @style.png {inputs} {size} {SHALLOW}");
    for input in ["content.png", "style.png", "mask.png", "start.png", "made.png", "weights.safetensors"] {
        refuses(&folder, &format!("{paint} -o @{input}"), &["--output", input]);
        for option in ["--log", "--checkpoint", "--animate"] {
            let line = format!("{paint} -o @new.png --save-every 2 {option} @{input}");
            refuses(&folder, &line, &[option, input]);
        }
    }
    let out = "-o @new.png";
    for line in [
        format!("{paint} {out} --log @new.png"),
        format!("{paint} {out} --log @new.x --checkpoint @new.x"),
        format!("{paint} {out} --save-every 1 --animate @new.png"),
        format!("paint @out-00002.png @style.png -o @out.png --save-every 1 {size} {SHALLOW}"),
        format!("paint @content.png @style.png -o @o.png --save-every 1 --log @o-00001.png {size} {SHALLOW}"),
        "score @content.png @style.png @image.png --gradient @style.png".into(),
        format!("sweep @content.png @style.png -o @content.png {size}"),
        "reconstruct @content.png --style conv1_1 -o @content.png".into(),
        "features @content.png --layer conv1_1 -o @content.png".into(),
        "features @content.png --layer conv1_1 -o @new.png --gram @content.png".into(),
        "features @content.png --layer conv1_1 -o @new.png --gram @new.png".into(),
        "profile --json @a --csv @a".into(),
        "profile --plot @a.svg --trace @a.svg".into(),
        "profile --weights @weights.safetensors --json @weights.safetensors".into(),
    ] {
        refuses(&folder, &line, &["would replace"]);
    }
    fs::write(folder.path("log.jsonl"), "").unwrap();
    refuses(&folder, "plot @log.jsonl -o @log.jsonl", &["log.jsonl"]);
    // What exists and is no input may be replaced.
    folder.command(&made).assert().success();
}

#[cfg(unix)]
#[test]
fn links_do_not_hide_an_input() {
    let folder = TestFolder::new();
    std::os::unix::fs::symlink(folder.path("content.png"), folder.path("link.png")).unwrap();
    std::os::unix::fs::symlink(folder.root(), folder.path("loop")).unwrap();
    fs::hard_link(folder.path("style.png"), folder.path("hard.png")).unwrap();
    for output in ["link.png", "loop/content.png", "hard.png", "loop/link.png"] {
        let line = format!("paint @content.png @style.png -o @{output}");
        refuses(&folder, &line, &[output, "would replace"]);
    }
    refuses(&folder, "paint @link.png @style.png -o @content.png", &["would replace"]);
}

#[test]
fn a_batch_replaces_none_of_its_inputs() {
    let folder = TestFolder::new();
    for name in ["in", "out"] {
        fs::create_dir(folder.path(name)).unwrap();
    }
    for name in ["in/a.png", "in/a-00002.png", "out/a.png", "in/b.png"] {
        folder.image(name, 32, 32);
    }
    let end = format!("-o @out --size 32 --scales 1 --iterations 2 --no-tune {SHALLOW}");
    refuses(&folder, &format!("batch @in @out/a.png {end} --overwrite"), &["a.png", "would replace"]);
    refuses(&folder, &format!("batch @in @style.png --init @out/a.png {end}"), &["would replace"]);
    refuses(&folder, &format!("batch @in @style.png {end} --save-every 2"), &["--save-every would replace"]);
}

#[test]
fn images_come_from_standard_input_and_go_to_standard_output() {
    let folder = TestFolder::new();
    let options = format!("--size 32 --iterations 3 --no-tune -q {SHALLOW}");
    folder.command(&format!("paint @content.png @style.png -o @a.png {options}")).assert().success();
    let expected = Image::load(folder.path("a.png")).unwrap();
    let run = |line: &str, input: &str| {
        let input = fs::read(folder.path(input)).unwrap();
        let output = folder.command(&format!("{line} {options}")).write_stdin(input).output().unwrap();
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        output.stdout
    };
    let parse = |bytes: &[u8]| Image::parse("-".as_ref(), bytes).unwrap().image;
    let png = run("paint - @style.png -o -", "content.png");
    assert_eq!(parse(&png), expected);
    // The settings travel with it.
    fs::write(folder.path("b.png"), &png).unwrap();
    assert!(Image::note(folder.path("b.png")).unwrap().contains("\"iterations\""));
    assert_eq!(parse(&run("paint @content.png - -o -", "style.png")), expected);
    folder.mask("mask.png", 20, 16);
    run("paint @content.png @style.png --content-mask - -o @c.png", "mask.png");
    run("paint @content.png @style.png --init - -o @c.png", "style.png");
    folder.refuses("paint - - -o @out.png", 2, &["standard input"]);
    let line = "paint @content.png @style.png -o - --save-every 2";
    folder.refuses(line, 2, &["--save-every needs a file name"]);
    folder.refuses(&format!("paint - @style.png -o @out.png {options}"), 1, &["standard input", "empty"]);
}

#[test]
fn paths_as_file_managers_paste_them_work() {
    let folder = TestFolder::new();
    folder.image("a photo, of ü.png", 40, 32);
    let plain = "--size 32 --iterations 2 --no-tune -q --content-layers conv1_1 --style-layers conv1_1";
    let run = |content: &str, output: &str| {
        let mut command = folder.command("paint");
        command.args([content]).args(folder.arguments("@style.png -o")).args([output]).args(plain.split(' '));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{content}: {}", stderr(&output));
    };
    let root = folder.root().display().to_string();
    for content in [
        format!("{root}/a photo, of ü.png"),
        format!("'{root}/a photo, of ü.png'"),
        format!("\"{root}/a photo, of ü.png\""),
        format!("file://{root}/a%20photo,%20of%20%C3%BC.png"),
        format!("file://localhost{root}/a%20photo%2C%20of%20%c3%bc.png"),
    ] {
        run(&content, &format!("file://{root}/the%20picture.png"));
        assert!(folder.path("the picture.png").exists());
        fs::remove_file(folder.path("the picture.png")).unwrap();
    }
}

#[test]
fn masks_may_have_commas_in_their_names() {
    let folder = TestFolder::new();
    for (name, white) in [("left,half.png", 0), ("right.png", 20), ("l.png", 0)] {
        let value = |i: u32| if (i % 40 >= white) == (i % 40 < white + 20) { 255.0 } else { 0.0 };
        let rgb = (0..40 * 32).flat_map(|i| [value(i); 3]).collect();
        Image::from_rgb(40, 32, rgb).unwrap().save(folder.path(name)).unwrap();
    }
    let expected = paint(&folder, "@content.png --style-mask @l.png --style-mask @right.png");
    let root = folder.root().display();
    for masks in [
        String::from("--style-mask @left,half.png --style-mask @right.png"),
        format!("--style-mask {root}/l.png,{root}/right.png"),
    ] {
        assert_eq!(paint(&folder, &format!("@content.png {masks}")), expected, "{masks}");
    }
    // The names are kept apart in the settings, too.
    let line = "@content.png --style-mask @left,half.png --style-mask @right.png";
    assert_eq!(paint(&folder, line), expected);
    fs::rename(folder.path("out.png"), folder.path("first.png")).unwrap();
    let like = "paint @content.png @style.png @content.png -o @out.png -q --like @first.png";
    folder.command(like).assert().success();
    assert_eq!(Image::load(folder.path("out.png")).unwrap().into_pixels(), expected);
}

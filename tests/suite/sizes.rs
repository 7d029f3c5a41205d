//! Images from 1 x 1 to 3 x 5000 pixels, in every command and option that takes a size: each works or is refused in
//! one line.

use std::process::Output;

use crate::common::test_folder::{SHALLOW, TestFolder, stderr};
use impasto::image_io::{Alpha, Encoding, Image};

/// Layers that an image of any size has.
const FIRST: &str = "--content-layers conv1_1 --style-layers conv1_1";

/// Pseudo-random numbers: the same in each run (a linear congruential generator, Numerical Recipes).
struct Numbers(u32);

impl Numbers {
    /// A number from 1 to `most`, small ones as often as large ones.
    fn below(&mut self, most: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let fraction = f64::from(self.0 >> 8) / f64::from(1 << 24);
        f64::from(most).powf(fraction).round() as u32
    }

    /// One of several.
    fn choose<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[(self.below(1 << 16) as usize) % from.len()]
    }
}

/// It ended well, or with one line that says what is wrong.
fn assert_plain(line: &str, output: &Output) {
    let text = stderr(output);
    let errors = text.lines().filter(|line| line.starts_with("error: ")).count();
    assert!(!text.contains("panicked") && !text.contains("a fault in Impasto"), "{line}: {text}");
    match output.status.code() {
        Some(0) => assert_eq!(errors, 0, "{line}: {text}"),
        Some(1 | 2) => assert_eq!(errors, 1, "{line}: {text}"),
        code => panic!("{line}: exit code {code:?}: {text}"),
    }
}

#[test]
fn narrow_images_are_planned() {
    let folder = TestFolder::new();
    folder.image("wide.png", 1200, 32);
    folder.image("strip.png", 3, 900);
    let end = "-o @out.png --scales 1 --no-tune -q --dry-run";
    for line in [
        format!("paint @wide.png @style.png {end} --size full --style-size 64 {SHALLOW}"),
        format!("paint @wide.png @style.png {end} --size full --style-size 64"),
        format!("paint @strip.png @style.png {end} --size full --style-size 1 {FIRST}"),
    ] {
        let output = folder.command(&line).output().unwrap();
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("time: about"), "{line}");
    }
}

/// Writes an image of this size that is transparent but for its last column.
fn cut_out(folder: &TestFolder, name: &str, width: u32, height: u32) {
    let opacity = |i: u32| if i % width == width - 1 { 255.0 } else { 0.0 };
    let alpha = Alpha::new(width, height, (0..width * height).map(opacity).collect()).unwrap();
    let image = Image::from_rgb(width, height, vec![90.0; (width * height * 3) as usize]).unwrap();
    image.save_as(folder.path(name), &Encoding { alpha: Some(&alpha), ..Encoding::default() }).unwrap();
}

#[test]
fn every_size_works_or_is_refused_in_one_line() {
    let folder = TestFolder::new();
    let mut numbers = Numbers(7);
    for (width, height) in [(1, 1), (3, 5000), (5000, 3), (16, 16), (1, 700)] {
        folder.image(&format!("{width}x{height}.png"), width, height);
    }
    cut_out(&folder, "cut.png", 33, 17);
    folder.mask("mask.png", 3, 500);
    let images =
        ["@1x1.png", "@3x5000.png", "@5000x3.png", "@16x16.png", "@1x700.png", "@content.png", "@cut.png"];
    let layers = ["", SHALLOW, FIRST];
    let extras = [
        "",
        "--depth 16",
        "--alpha white",
        "--style-region @mask.png",
        "--style-mask @mask.png --content-mask @mask.png",
        "--normalize-gradients neural-style",
        "--normalize-gradients neural-style-pt",
    ];
    for _ in 0..28 {
        let (a, b) = (numbers.choose(&images), numbers.choose(&images));
        let (side, other) = (numbers.below(300), numbers.below(300));
        let size = if numbers.below(300) < 3 { "full".into() } else { side.to_string() };
        let layers = numbers.choose(&layers);
        let layer = numbers.choose(&["conv1_1", "conv2_1", "conv5_1"]);
        let dry = numbers.choose(&["", "--dry-run"]);
        let scales = numbers.choose(&["auto", "1", "2", "5"]);
        let extra = numbers.choose(&extras);
        let painting =
            format!("--size {size} --style-size {other} --scales {scales} --iterations 1 --no-tune");
        let line = match numbers.below(1 << 16) % 7 {
            0 | 1 => format!("paint {a} {b} -o @out.png {painting} {layers} {extra} {dry} -q"),
            2 => format!("sweep {a} {b} -o @out.png {painting} --ratio 1 {layers} -q"),
            3 => format!(
                "reconstruct {a} --style {layer} -o @out.png --size {size} --iterations 1 --no-tune -q"
            ),
            4 => format!("features {a} --layer {layer} -o @out.png --size {size} --maps 1 --no-tune -q"),
            5 => format!("score {a} {b} {a} --no-tune {layers} -q"),
            _ => format!("profile --size {side} --evaluations 1 --no-tune {layers}"),
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_plain(&line, &folder.command(&words.join(" ")).output().unwrap());
    }
}

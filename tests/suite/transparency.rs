//! Masks with transparency and colours, and contents of which parts are transparent.

use std::fs;

use crate::common::test_folder::{SHALLOW, TestFolder, log_lines, paint, stderr};
use impasto::image_io::{Alpha, Decoded, Encoding, Image};

/// A colour and an opacity for each column of 40 x 32 pixels.
fn columns(folder: &TestFolder, name: &str, pixel: impl Fn(u32) -> [f32; 4]) {
    let pixels: Vec<[f32; 4]> = (0..40 * 32).map(|i| pixel(i % 40)).collect();
    let over_white = pixels.iter().flat_map(|[r, g, b, a]| [r, g, b].map(|v| v * a / 255.0 + 255.0 - a));
    let image = Image::from_rgb(40, 32, over_white.collect()).unwrap();
    let alpha = Alpha::new(40, 32, pixels.iter().map(|pixel| pixel[3]).collect()).unwrap();
    let encoding = Encoding { alpha: (!alpha.is_opaque()).then_some(&alpha), ..Encoding::default() };
    image.save_as(folder.path(name), &encoding).unwrap();
}

fn grey(value: f32) -> [f32; 4] {
    [value, value, value, 255.0]
}

#[test]
fn transparent_and_coloured_masks_act_as_grey_ones() {
    let folder = TestFolder::new();
    folder.image("other.png", 36, 20);
    columns(&folder, "left.png", |x| grey(if x < 20 { 255.0 } else { 0.0 }));
    columns(&folder, "right.png", |x| grey(if x < 20 { 0.0 } else { 255.0 }));
    columns(&folder, "paint.png", |x| [255.0, 255.0, 255.0, if x < 20 { 255.0 } else { 0.0 }]);
    let halves = |x: u32| if x < 20 { [255.0, 0.0, 0.0, 255.0] } else { [0.0, 0.0, 255.0, 255.0] };
    columns(&folder, "map.png", halves);
    let grey_mask = paint(&folder, "--style-mask @left.png");
    assert_ne!(grey_mask, paint(&folder, ""));
    assert_eq!(paint(&folder, "--style-mask @paint.png"), grey_mask);
    assert_eq!(paint(&folder, "--style-mask @map.png#ff0000"), grey_mask);
    assert_eq!(paint(&folder, "--content-mask @paint.png"), paint(&folder, "--content-mask @left.png"));
    assert_eq!(paint(&folder, "--content-mask @map.png#0000FF"), paint(&folder, "--content-mask @right.png"));
    // Several styles share one map, and the settings keep its colours.
    let map = folder.path("map.png").display().to_string();
    let two = format!("@other.png --style-mask {map}#ff0000,{map}#0000ff");
    let parted = paint(&folder, &two);
    assert_eq!(parted, paint(&folder, "@other.png --style-mask @left.png --style-mask @right.png"));
    fs::rename(folder.path("out.png"), folder.path("first.png")).unwrap();
    let like = "paint @content.png @style.png @other.png -o @out.png -q --like @first.png";
    folder.command(like).assert().success();
    assert_eq!(Image::load(folder.path("out.png")).unwrap().into_pixels(), parted);
    fs::remove_file(folder.path("out.png")).unwrap();
    for option in ["--style-mask", "--content-mask"] {
        let line = format!("paint @content.png @style.png -o @out.png {option}");
        let words = ["map.png", "is coloured", "map.png#0000ff or #ff0000"];
        folder.refuses(&format!("{line} @map.png"), 1, &words);
        folder.refuses(&format!("{line} @map.png#00ff00"), 1, &["no pixel of the colour #00ff00", "#0000ff"]);
    }
}

/// A content of which the left part is transparent, at the size at which it is painted, with a soft edge.
fn with_transparent_content() -> TestFolder {
    let folder = TestFolder::new();
    let opacity = |x: u32| if x < 12 { 0.0 } else { (x as f32 - 11.0).min(5.0) * 51.0 };
    let colour = |x: u32| [(x * 6) as f32, 200.0 - (x * 3) as f32, (x % 4 * 60) as f32];
    columns(&folder, "cut.png", |x| {
        let [r, g, b] = colour(x);
        [r, g, b, opacity(x)]
    });
    columns(&folder, "visible.png", |x| grey(if x < 12 { 0.0 } else { 255.0 }));
    folder
}

const PAINT: &str = "paint @cut.png @style.png --size 40 --iterations 4 --optimizer adam -q";

fn run(folder: &TestFolder, extra: &str) -> Decoded {
    let output = folder.command(&format!("{PAINT} {SHALLOW} {extra}")).output().unwrap();
    assert!(output.status.success(), "{extra}: {}", stderr(&output));
    Image::read(folder.path("out.png")).unwrap()
}

#[test]
fn transparent_parts_stay_transparent_and_count_in_no_loss_term() {
    let folder = with_transparent_content();
    let content = Image::read(folder.path("cut.png")).unwrap();
    let kept = run(&folder, "-o @out.png --log @kept.jsonl");
    assert_eq!(kept.alpha, content.alpha);
    let masks = "--content-mask @visible.png --style-mask @visible.png";
    let white = run(&folder, &format!("-o @out.png --alpha white {masks} --log @white.jsonl"));
    assert!(white.alpha.is_none());
    let losses = |name: &str| {
        let of_line = |line: &serde_json::Value| {
            ["total", "content", "style", "tv"].map(|term| line[term].as_f64().unwrap())
        };
        log_lines(&folder.path(name)).iter().map(of_line).collect::<Vec<_>>()
    };
    assert_eq!(losses("kept.jsonl"), losses("white.jsonl"));
    // Over white it is that picture, as far as the opacity allows: no lighter, and where it is opaque the same.
    let opacities = kept.alpha.as_ref().unwrap().values();
    for ((a, b), i) in kept.image.pixels().iter().zip(white.image.pixels()).zip(0..) {
        match opacities[i / 3] {
            255.0 => assert_eq!(a, b),
            0.0 => assert_eq!(*a, 255.0),
            opacity => assert!((a - b.max(255.0 - opacity)).abs() < 1.0, "{a} {b} {opacity}"),
        }
    }
    // A user's own masks are cut by what can be seen.
    let lower = |i: usize| if i < 40 * 16 { 0.0 } else { 255.0 };
    let rgb = |on: &dyn Fn(usize) -> f32| (0..40 * 32).flat_map(|i| [on(i); 3]).collect();
    let both = |i: usize| if i % 40 < 12 { 0.0 } else { lower(i) };
    Image::from_rgb(40, 32, rgb(&lower)).unwrap().save(folder.path("lower.png")).unwrap();
    Image::from_rgb(40, 32, rgb(&both)).unwrap().save(folder.path("both.png")).unwrap();
    run(&folder, "-o @out.png --style-mask @lower.png --log @kept.jsonl");
    let masks = "--content-mask @visible.png --style-mask @both.png";
    run(&folder, &format!("-o @out.png --alpha white {masks} --log @white.jsonl"));
    assert_eq!(losses("kept.jsonl"), losses("white.jsonl"));
    let alone = run(&folder, "-o @out.png --alpha white");
    assert!(alone.alpha.is_none() && alone.image != white.image);
}

#[test]
fn nothing_of_the_painting_leaves_the_content_as_it_was() {
    let folder = with_transparent_content();
    let content = image::open(folder.path("cut.png")).unwrap().into_rgba8();
    for name in ["out.png", "out.webp", "out.tif"] {
        let output = folder.command(&format!("{PAINT} {SHALLOW} -o @{name} --strength 0")).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let painted = image::open(folder.path(name)).unwrap().into_rgba8();
        for (a, b) in painted.pixels().zip(content.pixels()).filter(|(a, _)| a[3] > 0) {
            assert!(a.0.iter().zip(b.0).all(|(a, b)| a.abs_diff(b) <= 1), "{name}: {a:?} {b:?}");
        }
        assert!(painted.pixels().zip(content.pixels()).all(|(a, b)| a[3] == b[3]), "{name}");
    }
    let output =
        folder.command(&format!("{PAINT} {SHALLOW} -o @out.jpg").replace(" -q", "")).output().unwrap();
    assert!(output.status.success());
    assert!(stderr(&output).contains("cut.png is painted on white"), "{}", stderr(&output));
    assert!(Image::read(folder.path("out.jpg")).unwrap().alpha.is_none());
}

#[test]
fn transparency_goes_through_tiles_scales_frames_checkpoints_and_batches() {
    let folder = with_transparent_content();
    let opacities = Image::read(folder.path("cut.png")).unwrap().alpha.unwrap();
    let kept = run(&folder, "-o @out.png --scales 2 --save-every 3 --animate @out.webp --checkpoint @ck");
    assert_eq!(kept.alpha.as_ref(), Some(&opacities));
    let frame = Image::read(folder.path("out-00003.png")).unwrap().alpha.unwrap();
    assert!(frame.width() < 40 && frame.values()[0] == 0.0 && *frame.values().last().unwrap() == 255.0);
    let animation = Image::read(folder.path("out.webp")).unwrap().alpha.unwrap();
    assert_eq!((animation.width(), animation.values()[0]), (40, 0.0));
    // A checkpoint at the end is resumed to the same picture.
    let bytes = fs::read(folder.path("out.png")).unwrap();
    fs::remove_file(folder.path("out.png")).unwrap();
    folder.command("resume @ck -q").assert().success();
    assert!(fs::read(folder.path("out.png")).unwrap() == bytes);
    fs::create_dir(folder.path("in")).unwrap();
    fs::copy(folder.path("cut.png"), folder.path("in/cut.png")).unwrap();
    let line = PAINT.replace("paint @cut.png", "batch @in");
    folder.command(&format!("{line} {SHALLOW} -o @out --scales 2")).assert().success();
    let painted = Image::read(folder.path("out/cut.png")).unwrap();
    assert_eq!((painted.alpha.as_ref(), painted.image), (Some(&opacities), kept.image));
}

#[test]
fn contents_without_anything_to_see_are_refused() {
    let folder = with_transparent_content();
    columns(&folder, "nothing.png", |_| [9.0, 9.0, 9.0, 0.0]);
    columns(&folder, "left.png", |x| grey(if x < 10 { 255.0 } else { 0.0 }));
    let words = ["nothing.png", "is transparent", "--alpha white"];
    folder.refuses("paint @nothing.png @style.png -o @out.png", 1, &words);
    let masked = "paint @cut.png @style.png -o @out.png --size 40 --style-mask @left.png";
    folder.refuses(masked, 1, &["cut.png", "a style mask applies", "--alpha white"]);
}

#[test]
fn pictures_of_16_bits_are_png_and_tiff() {
    let folder = TestFolder::new();
    let line = format!("paint @content.png @style.png --size 32 --iterations 2 -q --no-tune {SHALLOW}");
    for name in ["out.png", "out.tif"] {
        folder.command(&format!("{line} -o @{name} --depth 16")).assert().success();
        let pixels = image::open(folder.path(name)).unwrap();
        assert_eq!(pixels.color(), image::ColorType::Rgb16, "{name}");
        folder.command(&format!("{line} -o @eight.png")).assert().success();
        let eight = Image::load(folder.path("eight.png")).unwrap();
        let deep = Image::load(folder.path(name)).unwrap();
        assert!(deep.pixels().iter().zip(eight.pixels()).all(|(a, b)| (a - b).abs() <= 0.51));
        assert!(deep.pixels().iter().any(|v| v.fract() != 0.0), "{name}");
    }
    fs::rename(folder.path("out.png"), folder.path("deep.png")).unwrap();
    folder
        .command("paint @content.png @style.png -o @out.png --like @deep.png -q --no-tune")
        .assert()
        .success();
    assert!(fs::read(folder.path("out.png")).unwrap() == fs::read(folder.path("deep.png")).unwrap());
    fs::remove_file(folder.path("out.png")).unwrap();
    for name in ["a.jpg", "a.webp"] {
        folder.refuses(&format!("{line} -o @{name} --depth 16"), 1, &[name, "use .png or .tif for 16"]);
    }
    folder.refuses("sweep @content.png @style.png -o @out.png --depth 16", 2, &["--depth", "a sheet"]);
}

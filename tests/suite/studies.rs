//! The commands that show what the network sees.

use std::fs;
use std::ops::Range;

use crate::common::test_folder::{SHALLOW, TestFolder, paint};
use impasto::image_io::Image;
use serde_json::Value;

/// The images on a sheet, row by row. Text and paper are grey, images are not.
fn images(sheet: &Image) -> Vec<Image> {
    let is_coloured = |x: u32, y: u32| {
        let pixel = &sheet.pixels()[((y * sheet.width() + x) * 3) as usize..][..3];
        pixel.iter().any(|level| (level - pixel[0]).abs() > 8.0)
    };
    let (width, height) = (sheet.width(), sheet.height());
    let columns: Vec<bool> = (0..width).map(|x| (0..height).any(|y| is_coloured(x, y))).collect();
    let rows: Vec<bool> = (0..height).map(|y| (0..width).any(|x| is_coloured(x, y))).collect();
    let [columns, rows] = [columns, rows].map(|lines| {
        let mut end = 0;
        let runs = lines.chunk_by(|a, b| a == b).map(|run| {
            end += run.len() as u32;
            (run[0], end - run.len() as u32..end)
        });
        runs.filter_map(|(coloured, run)| coloured.then_some(run)).collect::<Vec<_>>()
    });
    let image = |(x, y): (Range<u32>, Range<u32>)| {
        let at = |y: u32| ((y * width + x.start) * 3) as usize..((y * width + x.end) * 3) as usize;
        let rgb = y.clone().flat_map(|y| sheet.pixels()[at(y)].to_vec()).collect();
        Image::from_rgb(x.end - x.start, y.end - y.start, rgb).unwrap()
    };
    rows.iter().flat_map(|y| columns.iter().map(move |x| (x.clone(), y.clone()))).map(image).collect()
}

#[test]
fn reconstruct_makes_a_picture_that_the_layers_take_for_the_image() {
    let folder = TestFolder::new();
    let content_of = |extra: &str| {
        let line = format!("reconstruct @content.png -o @out.png --size full -q {extra}");
        folder.command(&line).assert().success();
        let layers = "--content-layers conv1_2 --style-layers conv1_1";
        let scored =
            folder.command(&format!("score @content.png @content.png @out.png {layers}")).output().unwrap();
        let losses: Value = serde_json::from_slice(&scored.stdout).unwrap();
        ["content", "style"].map(|term| losses[term].as_f64().unwrap())
    };
    let noise = content_of("--content conv1_2 --iterations 1");
    let content = content_of("--content conv1_2 --iterations 30");
    let style = content_of("--style conv1_1 --iterations 30");
    assert!(content[0] < 0.2 * noise[0], "{content:?} from {noise:?}");
    assert!(style[1] < 0.2 * noise[1] && style[0] > content[0], "{style:?} from {noise:?}");
    assert_ne!(content_of("--content conv1_2 --iterations 1 --seed 3"), noise);
    // A sheet has a cell for each layer.
    folder.command(
        "reconstruct @content.png --style conv1_1..conv2_1 --sheet -o @out.png --size 32 --iterations 2 -q",
    )
    .assert()
    .success();
    let sheet = Image::load(folder.path("out.png")).unwrap();
    let sizes: Vec<_> = images(&sheet).iter().map(|image| (image.width(), image.height())).collect();
    assert_eq!(sizes, [(32, 26); 3]);
    fs::remove_file(folder.path("out.png")).unwrap();
    folder.refuses("reconstruct @content.png -o @out.png", 2, &["required"]);
    folder.refuses("reconstruct @content.png --content conv1_1 --style conv1_1 -o @out.png", 2, &["--style"]);
    folder.refuses("reconstruct @content.png --style conv2_1..conv1_1 -o @out.png", 2, &["lower one first"]);
}

#[test]
fn sweep_makes_a_cell_for_each_ratio_and_block() {
    let folder = TestFolder::new();
    let line = format!(
        "sweep @content.png @style.png -o @out.png --size 32 --iterations 6 --optimizer adam --init noise -q --ratio 1e-1,1e-4 --style-layers-upto 1..2 {SHALLOW}"
    );
    folder.command(&line).assert().success();
    let sheet = Image::load(folder.path("out.png")).unwrap();
    let cells = images(&sheet);
    assert_eq!(cells.len(), 4);
    for (i, a) in cells.iter().enumerate() {
        assert_eq!((a.width(), a.height()), (32, 26));
        assert!(cells[..i].iter().all(|b| a.pixels() != b.pixels()), "two cells are alike");
    }
    let balances = "sweep @content.png @style.png -o @out.png --size 32 --iterations 6 --optimizer adam -q --balance 0,5,10";
    folder.command(&format!("{balances} {SHALLOW}")).assert().success();
    let cells = images(&Image::load(folder.path("out.png")).unwrap());
    assert_eq!(cells.len(), 3);
    assert!((1..3).all(|i| cells[i].pixels() != cells[i - 1].pixels()), "two balances are alike");
    fs::remove_file(folder.path("out.png")).unwrap();
    folder.refuses(&format!("{balances},11"), 2, &["'11' is no balance", "from 0"]);
    folder.refuses(&format!("{line} --style-layers-upto 6"), 2, &["--style-layers-upto", "6"]);
    folder.refuses(&format!("{line} --ratio 0"), 2, &["--ratio must be above 0"]);
    folder.refuses("sweep @content.png @style.png -o @out.png --style-weight 2", 2, &["--ratio decides"]);
    folder.refuses("paint @content.png @style.png -o @out.png --ratio 1,2", 2, &["--ratio", "impasto sweep"]);
}

#[test]
fn features_draws_maps_and_the_gram_matrix() {
    let folder = TestFolder::new();
    let line = "features @content.png --layer conv1_1 -o @out.png --gram @gram.png --size 32 -q";
    folder.command(line).assert().success();
    // 64 maps of 32 x 26, three times as large, in 8 columns and rows.
    let maps = Image::load(folder.path("out.png")).unwrap();
    assert!(maps.width() > 8 * 96 && maps.height() > 8 * 78, "{} x {}", maps.width(), maps.height());
    // The matrix of 64 x 64 numbers, each a square of 7 pixels, between a heading and a label.
    let gram = Image::load(folder.path("gram.png")).unwrap();
    let at = |x: u32, y: u32| gram.pixels()[((y * gram.width() + x) * 3) as usize..][..3].to_vec();
    let is_full = |y: &u32| (16..16 + 448).all(|x| at(x, *y) != [255.0; 3]);
    let top = (0..gram.height()).find(is_full).unwrap();
    assert_eq!((0..gram.height()).filter(is_full).count(), 448);
    assert!((0..448).all(|x| (0..x).all(|y| at(16 + x, top + y) == at(16 + y, top + x))), "not symmetric");
    folder.command(&format!("{line} --maps 4")).assert().success();
    assert!(Image::load(folder.path("out.png")).unwrap().height() < maps.height() / 2);
    fs::remove_file(folder.path("out.png")).unwrap();
    folder.refuses("features @content.png --layer conv7_1 -o @out.png", 2, &["conv7_1"]);
}

#[test]
fn plot_draws_logs() {
    let folder = TestFolder::new();
    for name in ["one.jsonl", "two.jsonl"] {
        paint(&folder, &format!("--log @{name}"));
    }
    let drawn = |options: &str| {
        folder.command(&format!("plot @one.jsonl @two.jsonl -o @losses.svg{options}")).assert().success();
        fs::read_to_string(folder.path("losses.svg")).unwrap()
    };
    let has = |svg: &str, text: &str| svg.contains(&format!(">\n{text}\n<"));
    let (all, style) = (drawn(""), drawn(" --term style"));
    for text in ["one", "two", "total loss", "content term", "style term", "total variation", "evaluations"] {
        assert!(has(&all, text), "{text} is not in {all}");
    }
    assert!(has(&style, "style term") && has(&style, "two") && !has(&style, "total loss"), "{style}");
    folder.command("plot @one.jsonl -o @losses.png").assert().success();
    assert!(Image::load(folder.path("losses.png")).unwrap().width() > 2000);
    fs::remove_file(folder.path("out.png")).unwrap();
    folder.refuses("plot @one.jsonl -o @losses.pdf", 2, &["losses.pdf", ".svg or .png"]);
    folder.refuses("plot @one.jsonl -o @out.png --term colour", 2, &["--term", "style"]);
    folder.refuses("plot @content.png -o @out.png", 1, &["content.png", "cannot read"]);
    fs::write(folder.path("empty"), "").unwrap();
    folder.refuses("plot @empty -o @out.png", 1, &["empty", "paint --log"]);
    fs::write(folder.path("text"), "nothing\n").unwrap();
    folder.refuses("plot @text -o @out.png", 1, &["text", "line 1", "paint --log"]);
}

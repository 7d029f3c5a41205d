//! The Gram matrix of a part of a style image, against a plain reference.

use crate::common;
use crate::common::test_folder::{SHALLOW, TestFolder};
use impasto::features::LayerFeatures;
use impasto::graph::Activations;
use impasto::image_io::Image;
use impasto::objective::{Objective, Region, Scene, Settings, Style, TargetOptions, Targets, to_variable};
use impasto::ops::Pooling;
use impasto::vgg19::{LayerId, Network, Weights};

fn image(width: u32, height: u32, seed: u32) -> Image {
    let value = |i: u32| ((i * (31 + 2 * seed) + i * i % 97 + seed * 50) % 256) as f32;
    Image::from_rgb(width, height, (0..width * height * 3).map(value).collect()).unwrap()
}

/// The Gram matrix of the features, each position weighted by the square of the mask.
fn masked_gram(features: &LayerFeatures, mask: &[f64]) -> Vec<f64> {
    let (n, m) = (features.shape.channels as usize, mask.len());
    let squares: f64 = mask.iter().map(|w| w * w).sum();
    let row = |i: usize| &features.maps[i * m..(i + 1) * m];
    let product = |i: usize, j: usize| {
        let pairs = row(i).iter().zip(row(j)).zip(mask);
        pairs.map(|((a, b), w)| f64::from(*a) * f64::from(*b) * w * w).sum::<f64>() / squares
    };
    (0..n * n).map(|k| product(k / n, k % n)).collect()
}

#[test]
fn targets_are_those_of_the_part() {
    let gpu = common::gpu();
    let weights = Weights::embedded_up_to("conv1_2".parse().unwrap()).unwrap();
    let kernels = common::kernels(&["conv3x3=tiled", "gram=tiled"]);
    let network = Network::new(gpu, &weights, Pooling::Max, &kernels, Default::default()).unwrap();
    let layer: LayerId = "conv1_2".parse().unwrap();
    let settings = Settings {
        content_weight: 0.0,
        style_layers: "conv1_2".parse().unwrap(),
        content_layers: "conv1_1".parse().unwrap(),
        ..Settings::default()
    };
    let (content, style_image, x) = (image(20, 16, 1), image(30, 22, 2), image(20, 16, 3));
    // Soft, so that weights between black and white count as well.
    let grey = |i: u32| if i % 30 < 15 { 255.0 } else { (i % 30 - 15) as f32 * 10.0 };
    let rgb = (0..30 * 22).flat_map(|i| [grey(i); 3]).collect();
    let region = Region::new(Image::from_rgb(30, 22, rgb).unwrap()).unwrap();
    let features = |image| LayerFeatures::new(gpu, &network, layer, image).unwrap();
    let (at_x, of_style) = (features(&x), features(&style_image));
    let mask: Vec<f64> = (0..30 * 22).map(|i| f64::from(grey(i)) / 255.0).collect();
    let goal = masked_gram(&of_style, &mask);
    let n = at_x.shape.channels as f64;
    let squares: f64 = at_x.gram.iter().zip(&goal).map(|(g, a)| (f64::from(*g) - a).powi(2)).sum();
    let want = 1000.0 / n.powi(4) * squares;
    let style = |image_region| Style { image_region, ..style_image.clone().into() };
    let loss = |style: Style, core: Option<u32>| {
        let styles = [style];
        let options = TargetOptions { style_core: core, ..TargetOptions::default() };
        let scene = Scene::new(&content, &styles);
        let targets = Targets::new(gpu, &network, &settings, &scene, &options).unwrap();
        let objective = Objective::new(gpu, &network, &settings, &targets, Activations::Kept).unwrap();
        gpu.write(objective.x(), &to_variable(&x));
        objective.evaluate(gpu).unwrap().style
    };
    for core in [None, Some(16)] {
        let got = loss(style(Some(region.clone())), core);
        assert!((got / want - 1.0).abs() < 1e-4, "{core:?}: {got}, not {want}");
    }
    let whole = loss(style(None), None);
    assert!((whole / want - 1.0).abs() > 2e-3, "the part makes no difference: {whole} {want}");
}

/// A picture in the style of the left half is that in the style of a style image whose halves are both the left one.
#[test]
fn the_other_part_has_no_influence() {
    let folder = TestFolder::new();
    let column = |x: u32, y: u32, right: bool| {
        let k = if right { 500 } else { 0 };
        [x * 13, y * 7, x * y].map(|v| ((v * 3 + k) % 256) as f32)
    };
    for (name, other) in [("a.png", false), ("b.png", true)] {
        let pixel = |i: u32| column(i % 64, i / 64, other && i % 64 >= 32);
        Image::from_rgb(64, 32, (0..64 * 32).flat_map(pixel).collect())
            .unwrap()
            .save(folder.path(name))
            .unwrap();
    }
    // Far enough from the border for the receptive fields of these layers.
    let white = |i: u32| if i % 64 < 24 { 255.0 } else { 0.0 };
    let rgb = (0..64 * 32).flat_map(|i| [white(i); 3]).collect();
    Image::from_rgb(64, 32, rgb).unwrap().save(folder.path("left.png")).unwrap();
    let paint = |style: &str, extra: &str| {
        let line = format!(
            "paint @content.png @{style} -o @out.png --size 32 --style-size full --iterations 6 --optimizer adam -q \
             --no-tune {SHALLOW}{extra}"
        );
        let words: Vec<&str> = line.split_whitespace().collect();
        folder.command(&words.join(" ")).assert().success();
        Image::load(folder.path("out.png")).unwrap().into_pixels()
    };
    let left = " --style-region @left.png";
    let (a, b) = (paint("a.png", left), paint("b.png", left));
    let off = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off(&a, &b) <= 1.0, "off by {}", off(&a, &b));
    assert!(off(&paint("a.png", ""), &paint("b.png", "")) > 1.0);
}

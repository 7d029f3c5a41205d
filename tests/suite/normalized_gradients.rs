//! Gradient normalisation in both senses, against plain references.

use crate::common;
use crate::common::test_folder::{SHALLOW, TestFolder, paint};
use impasto::features::LayerFeatures;
use impasto::graph::Activations;
use impasto::image_io::Image;
use impasto::objective::{
    GradientNormalization, LayerWeights, Objective, Region, Scene, Settings, Style, StyleCache, Targets,
    TiledObjective, to_variable,
};
use impasto::ops::Pooling;
use impasto::vgg19::{LayerId, Network, Weights};

fn image(width: u32, height: u32, seed: u32) -> Image {
    let value = |i: u32| ((i * (31 + 2 * seed) + i * i % 97 + seed * 50) % 256) as f32;
    Image::from_rgb(width, height, (0..width * height * 3).map(value).collect()).unwrap()
}

fn network() -> Network {
    let weights = Weights::embedded_up_to("conv2_1".parse().unwrap()).unwrap();
    let kernels = common::kernels(&["conv3x3=tiled", "gram=tiled"]);
    Network::new(common::gpu(), &weights, Pooling::Max, &kernels, Default::default()).unwrap()
}

/// The total loss and the gradient at `x`.
fn gradient(network: &Network, settings: &Settings, scene: &Scene, x: &Image) -> (f64, Vec<f32>) {
    let gpu = common::gpu();
    let targets = Targets::new(gpu, network, settings, scene, &Default::default()).unwrap();
    let objective = Objective::new(gpu, network, settings, &targets, Activations::Kept).unwrap();
    gpu.write(objective.x(), &to_variable(x));
    let losses = objective.evaluate(gpu).unwrap();
    (losses.total, gpu.read(objective.gradient()).unwrap())
}

fn settings(content: &str, style: &str, normalization: GradientNormalization) -> Settings {
    let layers = |text: &str| match text {
        "" => LayerWeights::none(),
        text => text.parse().unwrap(),
    };
    Settings {
        content_layers: layers(content),
        style_layers: layers(style),
        content_weight: 5.0,
        style_weight: 0.1,
        normalization,
        ..Settings::default()
    }
}

/// `a` is `factor` times `b`, up to a part of its largest value.
fn assert_multiple(a: &[f32], b: &[f32], factor: f64, what: &str) {
    let most = a.iter().fold(0.0, |most: f64, v| most.max(f64::from(v.abs())));
    assert!(most > 0.0, "{what}");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let off = (f64::from(*a) - factor * f64::from(*b)).abs() / most;
        assert!(off < 1e-3, "{what}: {i}: {a} and {b} times {factor}");
    }
}

/// The L1 norm of the gradient of a mean squared error of features.
fn content_norm(maps: &[f32], goal: &[f32]) -> f64 {
    let n = maps.len() as f64;
    maps.iter().zip(goal).map(|(f, p)| 2.0 / n * f64::from(f - p).abs()).sum()
}

/// The L1 norm of the gradient of `mean((G - A)^2) / N^2` with respect to the features, `G = F F' / M`.
fn style_norm(features: &LayerFeatures, goal: &[f32]) -> f64 {
    let n = features.shape.channels as usize;
    let m = features.maps.len() / n;
    let error: Vec<f64> = features.gram.iter().zip(goal).map(|(g, a)| f64::from(g - a)).collect();
    let scale = 4.0 / ((n as f64).powi(4) * m as f64);
    let mut norm = 0.0;
    for i in 0..n {
        for p in 0..m {
            let pulled = (0..n).map(|j| error[i * n + j] * f64::from(features.maps[j * m + p]));
            norm += (scale * pulled.sum::<f64>()).abs();
        }
    }
    norm
}

#[test]
fn each_term_of_a_layer_pulls_with_its_strength() {
    let (gpu, network) = (common::gpu(), network());
    let (content, style, x) = (image(24, 20, 1), image(20, 24, 2), image(24, 20, 3));
    let styles = [style.clone().into()];
    let scene = Scene::new(&content, &styles);
    let of = |content: &str, style: &str, how| gradient(&network, &settings(content, style, how), &scene, &x);
    let (none, l1) = (GradientNormalization::None, GradientNormalization::L1);
    let layer: LayerId = "conv1_2".parse().unwrap();
    let features = |image| LayerFeatures::new(gpu, &network, layer, image).unwrap();
    let (at_x, of_content, of_style) = (features(&x), features(&content), features(&style));

    // Strength 5 * 0.5: the plain gradient of the same term, divided by what the reference says.
    let (plain, normalized) = (of("conv1_2=0.5", "", none), of("conv1_2=0.5", "", l1));
    let factor = 1.0 / (content_norm(&at_x.maps, &of_content.maps) + 1e-8);
    assert_multiple(&normalized.1, &plain.1, factor, "content");
    assert_eq!(normalized.0, plain.0, "losses are reported as they are");
    let (plain, normalized) = (of("", "conv1_2=3", none), of("", "conv1_2=3", l1));
    let factor = 1.0 / (style_norm(&at_x, &of_style.gram) + 1e-8);
    assert_multiple(&normalized.1, &plain.1, factor, "style");

    // Terms add up, each normalised by itself, in every layer.
    let all = of("conv1_2=0.5,conv2_1", "conv1_1,conv1_2=3", l1).1;
    let parts = [("conv1_2=0.5", ""), ("conv2_1", ""), ("", "conv1_1"), ("", "conv1_2=3")];
    let parts = parts.map(|(content, style)| of(content, style, l1).1);
    let sum: Vec<f32> = (0..all.len()).map(|i| parts.iter().map(|part| part[i]).sum()).collect();
    assert_multiple(&all, &sum, 1.0, "the sum of the terms");
}

#[test]
fn weights_count_squared() {
    let network = network();
    let (content, style, x) = (image(24, 20, 1), image(20, 24, 2), image(24, 20, 3));
    let styles = [style.into()];
    let scene = Scene::new(&content, &styles);
    let how = GradientNormalization::SquaredStrength;
    let of = |settings: &Settings| gradient(&network, settings, &scene, &x);
    // Strengths 5 * 0.5 and 1000 * 0.1 * 0.2.
    let squared = of(&settings("conv2_1=0.5", "conv1_1=0.2", how));
    let plain = Settings {
        content_weight: 2.5 * 2.5,
        style_weight: 20.0 * 20.0 / 1000.0,
        ..settings("conv2_1", "conv1_1", GradientNormalization::None)
    };
    let plain = of(&plain);
    assert_multiple(&squared.1, &plain.1, 1.0, "the gradient");
    assert!((squared.0 / plain.0 - 1.0).abs() < 1e-4, "{} {}", squared.0, plain.0);
}

/// Regions have terms of their own, each with its share of the strength.
#[test]
fn regions_are_normalised_by_themselves() {
    let network = network();
    let (content, x) = (image(24, 20, 1), image(24, 20, 3));
    let half = |left: bool| {
        let rgb = (0..24 * 20).flat_map(|i| [if (i % 24 < 12) == left { 255.0 } else { 0.0 }; 3]).collect();
        Some(Region::new(Image::from_rgb(24, 20, rgb).unwrap()).unwrap())
    };
    let style = |seed, weight, region| Style { weight, region, ..image(20, 24, seed).into() };
    let l1 = settings("", "conv1_2", GradientNormalization::L1);
    let of = |styles: &[Style], settings: &Settings| {
        gradient(&network, settings, &Scene::new(&content, styles), &x).1
    };
    let both = of(&[style(2, 1.0, half(true)), style(4, 3.0, half(false))], &l1);
    let [left, right] = [(2, true), (4, false)].map(|(seed, side)| of(&[style(seed, 1.0, half(side))], &l1));
    let sum: Vec<f32> = left.iter().zip(&right).map(|(a, b)| 0.25 * a + 0.75 * b).collect();
    assert_multiple(&both, &sum, 1.0, "two regions");
}

#[test]
fn norms_are_refused_in_tiles() {
    let (gpu, network) = (common::gpu(), network());
    let (content, style) = (image(80, 64, 1), image(64, 64, 2));
    let styles = [style.into()];
    let scene = Scene::new(&content, &styles);
    let tiled = |how| {
        let settings = settings("conv2_1", "conv1_1", how);
        TiledObjective::new(gpu, &network, &settings, &scene, 32.into(), &StyleCache::none())
    };
    let error = tiled(GradientNormalization::L1).unwrap_err().to_string();
    assert!(error.contains("normalize-gradients") && error.contains("not in tiles"), "{error}");
    assert!(tiled(GradientNormalization::SquaredStrength).is_ok());
    let folder = TestFolder::on_device("max-tensor-bytes=1048576");
    let line = format!("paint @content.png @style.png -o @out.png --size 96 --no-tune {SHALLOW}");
    let words = ["cannot be computed in tiles", "--normalize-gradients none", "--size"];
    folder.refuses(&format!("{line} --normalize-gradients neural-style"), 1, &words);
}

#[test]
fn the_option_changes_the_picture() {
    let folder = TestFolder::new();
    let plain = paint(&folder, "");
    let l1 = paint(&folder, "--normalize-gradients neural-style");
    let squared = paint(&folder, "--normalize-gradients neural-style-pt --ratio 1e-4");
    assert!(plain != l1 && plain != squared && l1 != squared);
    assert_eq!(plain, paint(&folder, "--normalize-gradients none"));
    std::fs::remove_file(folder.path("out.png")).unwrap();
    let line = "paint @content.png @style.png -o @out.png --normalize-gradients l2";
    folder.refuses(line, 2, &["l2", "none, neural-style, neural-style-pt"]);
}

//! Numbers that are not finite: named by layer, gone back from, and given up on where they stay.

use crate::common;
use crate::common::test_folder::{SHALLOW, TestFolder, stderr};
use impasto::gpu::{Gpu, Precision, Shader};
use impasto::graph::{Activations, NotFinite, Quantity};
use impasto::image_io::Image;
use impasto::objective::{Objective, Scene, Settings, TargetOptions, Targets, to_variable};
use impasto::ops::Pooling;
use impasto::optim::Method;
use impasto::painter::{OptimizationLoop, WholeImageLoop};
use impasto::vgg19::{Network, Weights};

const SIDE: u32 = 24;
const ADAM: Method = Method::Adam { lr: 2.0, average: false };

fn image(factor: u32) -> Image {
    let rgb = (0..SIDE * SIDE * 3).map(|i| (i * factor % 256) as f32).collect();
    Image::from_rgb(SIDE, SIDE, rgb).unwrap()
}

/// A painting that has just begun, with a convolution of its own at conv2_1. What is replaced by then is
/// replaced in the targets' run as well, unless `spoil` does it.
fn optimization(gpu: &Gpu, method: Method, spoil: impl Fn(&Gpu)) -> WholeImageLoop {
    let settings = Settings {
        content_layers: "conv2_2".parse().unwrap(),
        style_layers: "conv1_1,conv2_1".parse().unwrap(),
        ..Settings::default()
    };
    let weights = Weights::embedded_up_to(settings.deepest()).unwrap().normalised().unwrap();
    let network = |conv: &str| {
        let conv = format!("conv2_1={conv}");
        let kernels = common::kernels(&["conv3x3=tiled", "gram=tiled", &conv]);
        Network::new(gpu, &weights, Pooling::Avg, &kernels, Precision::F32).unwrap()
    };
    let (right, spoiled) = (network("tiled"), network("naive"));
    let (content, style) = (image(37), image(11));
    let styles = [style.into()];
    let scene = Scene::new(&content, &styles);
    let targets = Targets::new(gpu, &right, &settings, &scene, &TargetOptions::default()).unwrap();
    spoil(gpu);
    let objective = Objective::new(gpu, &spoiled, &settings, &targets, Activations::Kept).unwrap();
    let mut optimization = WholeImageLoop::new(gpu, objective, method, &to_variable(&content)).unwrap();
    optimization.keep_diverged().unwrap();
    optimization
}

/// Advances until the loss has run away or `evaluations` are done.
fn run_away(optimization: &mut WholeImageLoop, evaluations: usize) -> Option<usize> {
    while let Some(step) = optimization.advance(evaluations).unwrap() {
        if step.restarted {
            return Some(step.iteration);
        }
    }
    None
}

#[test]
fn infinity_in_a_layer_is_named_at_once() {
    let gpu = common::open(Default::default());
    let mut optimization = optimization(&gpu, ADAM, |gpu| {
        let forward = [("TAPS", 9.0), ("TRANSPOSED", 0.0), ("RELU", 1.0), ("ACCUMULATE", 0.0)];
        // By its bits, since compilers may assume that there is no infinity.
        let infinite = "dst[i] = select(sum, vec4(bitcast<f32>(0x7f800000u | (params.height >> 31u))), sum > vec4(0.0));";
        common::replace_kernel(gpu, common::shader("conv/1_naive"), "dst[i] = sum;", infinite, &forward);
    });
    assert_eq!(run_away(&mut optimization, 20), Some(0));
    let found: NotFinite = optimization.diagnose().unwrap().unwrap();
    assert_eq!((found.label.as_str(), found.quantity), ("conv2_1", Quantity::Value));
    assert!(found.infinities > 0 && found.nans == 0, "{found:?}");
    assert!(found.to_string().starts_with("conv2_1: infinity in its values ("), "{found}");
    // No loss was ever finite, and so there is no picture; but it does not try for ever.
    while optimization.advance(1000).unwrap().is_some_and(|_| !optimization.gave_up()) {}
    assert!(optimization.gave_up() && optimization.finished() < 20, "{}", optimization.finished());
    assert!(optimization.image().unwrap_err().to_string().contains("never a finite number"));
}

#[test]
fn nan_in_a_gradient_is_named_and_the_best_picture_kept() {
    let gpu = common::open(Default::default());
    let mut optimization = optimization(&gpu, ADAM, |gpu| {
        // By its bits, since compilers may assume that arithmetic never gives NaN.
        let wrong = "var d = vec4(bitcast<f32>(0x7fc00000u | params.width));";
        let shader = *common::shader("pool/avg_backward");
        let source = shader.source.replace("var d = vec4(0.0);", wrong).replace("d = 0.25 *", "d += 0.25 *");
        let source = Box::leak(source.into_boxed_str());
        gpu.kernel(&Shader { source, ..shader }, &[("ACCUMULATE", 0.0)]).unwrap();
    });
    // The loss is right; the step that follows is not, and so the next loss is not.
    assert_eq!(run_away(&mut optimization, 20), Some(1));
    let found = optimization.diagnose().unwrap().unwrap();
    assert_eq!((found.label.as_str(), found.quantity), ("pool1", Quantity::Gradient));
    assert!(found.nans > 0, "{found:?}");
    while optimization.advance(1000).unwrap().is_some_and(|_| !optimization.gave_up()) {}
    assert!(optimization.gave_up() && optimization.finished() < 30, "{}", optimization.finished());
    assert_eq!(optimization.image().unwrap(), to_variable(&image(37)));
}

/// To look for the reason changes nothing of what follows.
#[test]
fn a_run_goes_on_as_if_nobody_had_looked() {
    let gpu = common::fast_gpu();
    // The first step is so long that the loss runs away, and nothing in it is infinite.
    let method = Method::Adam { lr: 3e3, average: false };
    let totals = |looks: bool| {
        let mut optimization = optimization(gpu, method, |_| ());
        let mut totals = vec![];
        while let Some(step) = optimization.advance(6).unwrap() {
            if step.restarted && looks {
                assert_eq!(optimization.diagnose().unwrap(), None);
            }
            totals.push((step.losses.total.to_bits(), step.restarted));
        }
        (totals, optimization.image().unwrap().into_owned())
    };
    let (looked, not) = (totals(true), totals(false));
    assert!(looked.0.iter().any(|(_, restarted)| *restarted), "the loss did not run away");
    assert_eq!(looked, not);
}

#[test]
fn a_painting_names_the_layer_and_keeps_the_best_picture() {
    let folder = TestFolder::new();
    let line = format!(
        "paint @content.png @style.png -o @out.png --size 32 --iterations 100 --optimizer adam --lr 1e25 {SHALLOW}"
    );
    let output = folder.command(&format!("{line} -v")).output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("the loss ran away; going on from the best image"), "{text}");
    let named: Vec<&str> = text.lines().filter(|line| line.contains("infinity in")).collect();
    // Once, though it happens again and again.
    assert_eq!(named.len(), 1, "{text}");
    let layer = named[0].split(':').next().unwrap();
    assert!(layer.contains("conv") || layer == "tv", "{text}");
    let error = text.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(error.contains("lower --lr") && error.contains("selftest"), "{text}");
    // It began at the content image, which remains the best.
    assert!(Image::load(folder.path("out.png")).is_ok());

    let output = folder.command(&line).output().unwrap();
    assert!(!stderr(&output).contains("infinity in"), "{}", stderr(&output));
}

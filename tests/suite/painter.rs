//! The painter as a library: what one scale hands to the next, and going on from checkpoints.

use std::sync::{Arc, OnceLock};

use crate::common;
use impasto::gpu::Precision;
use impasto::graph::Activations;
use impasto::image_io::Image;
use impasto::objective::{Objective, Region, Scene, Settings, Style, TargetOptions, Targets, to_variable};
use impasto::ops::Pooling;
use impasto::ops::case::numbers;
use impasto::ops::variants::ComputePrecision;
use impasto::optim::Method;
use impasto::output::OutputFile;
use impasto::painter::{
    Checkpoint, InitialImage, NoiseShare, Origin, Painter, PainterOptions, PaintingInputs, Plan, Scales,
    Schedule, Start, Supersampling,
};
use impasto::tuner::{Mode, Tuner};
use impasto::vgg19::{Network, Weights};
use safetensors::SafeTensors;
use serde_json::{Value, json};

/// Layers that need little of the network.
fn settings() -> Settings {
    let (content_layers, style_layers) = ("conv2_1".parse().unwrap(), "conv1_1,conv2_1".parse().unwrap());
    Settings { content_layers, style_layers, ..Settings::default() }
}

fn network() -> Arc<Network> {
    static NETWORK: OnceLock<Arc<Network>> = OnceLock::new();
    let make = || {
        let gpu = common::fast_gpu();
        let weights = Weights::embedded_up_to(settings().deepest()).unwrap().normalised().unwrap();
        let tuner = Tuner { mode: Mode::BuiltIn, folder: None, precision: ComputePrecision::F32.into() };
        let choice = tuner.choose(gpu, [48, 48], weights.deepest(), &mut |_, _, _| ()).unwrap();
        Arc::new(Network::new(gpu, &weights, Pooling::Max, &choice.kernels, Precision::F32).unwrap())
    };
    NETWORK.get_or_init(make).clone()
}

/// Colours far from black and white, so that nothing is clamped.
fn image(seed: u64, width: u32, height: u32) -> Image {
    let noise = numbers(seed, (width * height * 3) as usize);
    Image::from_rgb(width, height, noise.iter().map(|v| (128.0 + 40.0 * v) as f32).collect()).unwrap()
}

fn inputs() -> PaintingInputs {
    PaintingInputs {
        content: image(1, 30, 22),
        styles: vec![image(2, 20, 24).into()],
        content_region: None,
        tone_region: None,
        margin: 0,
    }
}

fn plan(method: Method, iterations: &str, tolerance: Option<f64>) -> Plan {
    let schedule =
        Schedule::new((30, 22), Supersampling::NONE, Scales::Count(2), &iterations.parse().unwrap(), 2)
            .unwrap();
    let settings = settings();
    Plan { settings, method, tolerance, ..Plan::new(schedule) }
}

fn from(x: &[f32]) -> PainterOptions<'_> {
    PainterOptions { origin: Origin::Variable(x), ..Default::default() }
}

fn resumed(checkpoint: &Checkpoint) -> PainterOptions<'_> {
    PainterOptions { origin: Origin::Checkpoint(checkpoint), ..Default::default() }
}

fn start(plan: &Plan) -> Painter {
    let first = inputs().at(plan.schedule.first()).unwrap();
    let initial_image = InitialImage { start: Start::Content, noise: NoiseShare::everywhere(0.1), seed: 1 };
    let x = initial_image.variable(&first.content, &first.styles[0].image).unwrap();
    Painter::new(common::fast_gpu(), &network(), inputs(), plan.clone(), from(&x)).unwrap()
}

/// Paints on; the totals of what came, and the picture.
fn finish(painter: &mut Painter) -> (Vec<f64>, Image) {
    let mut totals = vec![];
    while let Some(evaluation) = painter.advance().unwrap() {
        totals.push(evaluation.losses.total);
    }
    (totals, painter.image().unwrap())
}

const ADAM: Method = Method::Adam { lr: 2.0, average: false };
const AVERAGE: Method = Method::Adam { lr: 2.0, average: true };
const LBFGS: Method = Method::Lbfgs { lr: 1.0, history: 4, smoothing: 0.0 };

/// Wherever a run is stopped, a checkpoint in a file is enough to go on as if it had not been: within a
/// scale, at the end of one, and where patience is about to end.
#[test]
fn a_checkpoint_goes_on_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let file = OutputFile::of(&path).unwrap();
    for (method, tolerance) in [(LBFGS, None), (AVERAGE, None), (ADAM, Some(0.99))] {
        let plan = plan(method, "24,23", tolerance);
        let (totals, whole) = finish(&mut start(&plan));
        assert_eq!(totals.len() < 47, tolerance.is_some(), "early stop: {}", totals.len());
        for stop in [1, 22, 24, 30] {
            let mut painter = start(&plan);
            let mut done = 0;
            while let Some(evaluation) = painter.advance().unwrap() {
                done = evaluation.iteration + 1;
                if done >= stop {
                    painter.stop();
                }
            }
            let mut checkpoint = painter.checkpoint().unwrap();
            checkpoint.note = "a note".into();
            drop(painter);
            checkpoint.save(&file).unwrap();
            let loaded = Checkpoint::load(&path).unwrap();
            assert_eq!((loaded.done(), loaded.note.as_str()), (done, "a note"));
            let gpu = common::fast_gpu();
            let mut painter =
                Painter::new(gpu, &network(), inputs(), plan.clone(), resumed(&loaded)).unwrap();
            let (rest, image) = finish(&mut painter);
            assert_eq!(rest, totals[done..], "{method:?} after {done}");
            assert!(image == whole, "{method:?} after {done}: another picture");
        }
    }
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let mut painter = start(&plan(ADAM, "2", None));
    painter.advance().unwrap();
    assert!(painter.checkpoint().unwrap_err().to_string().contains("in flight"));
    painter.stop();
    while painter.advance().unwrap().is_some() {}
    let checkpoint = painter.checkpoint().unwrap();
    for (other, word) in [(plan(LBFGS, "2", None), "another optimiser"), (plan(ADAM, "1", None), "schedule")]
    {
        let error =
            Painter::new(common::fast_gpu(), &network(), inputs(), other, resumed(&checkpoint)).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

/// Keys and names of the format: other ones would make checkpoints of earlier versions unreadable.
#[test]
fn the_format_of_checkpoints_keeps_its_names() {
    let adam = ["powers of beta", "mean of the gradient", "mean square of the gradient", "average picture"];
    let lbfgs = ["state of L-BFGS", "L-BFGS step", "gradient before", "L-BFGS products"];
    let history = ["L-BFGS history of steps", "L-BFGS history of gradients"];
    for (method, names) in [(AVERAGE, adam.to_vec()), (LBFGS, [&lbfgs[..], &history[..]].concat())] {
        let mut painter = start(&plan(method, "1", None));
        while painter.advance().unwrap().is_some() {}
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        painter.checkpoint().unwrap().save(&OutputFile::of(&path).unwrap()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = metadata.metadata().clone().unwrap();
        assert_eq!(metadata["format"], "impasto checkpoint 2");
        let header: Value = serde_json::from_str(&metadata["painting"]).unwrap();
        let keys =
            ["scale", "before", "finished", "seconds", "restarts", "patience", "labels", "checksum", "note"];
        assert!(keys.iter().all(|key| !header[key].is_null()), "{header}");
        let patience = ["least", "lowest", "stop"];
        assert!(patience.iter().all(|key| header["patience"].get(key).is_some()), "{header}");
        let names = [&["x", "state of the guard", "best picture"][..], &names].concat();
        assert_eq!(header["labels"], json!(names));
    }
}

/// A fresh Adam moves every value by its step length at first. One that knows the means does not.
#[test]
fn adam_takes_its_moments_along() {
    let image = |iterations: &str| finish(&mut start(&plan(ADAM, iterations, None))).1;
    let (before, after) = (image("12,1"), image("12,2"));
    let moved: Vec<f32> = before.pixels().iter().zip(after.pixels()).map(|(a, b)| (a - b).abs()).collect();
    let full = moved.iter().filter(|step| (**step - 2.0).abs() < 0.02).count();
    let some = moved.iter().filter(|step| **step > 0.02).count();
    assert!(some > moved.len() / 2, "hardly anything moved");
    assert!(full < moved.len() / 10, "{full} of {} values moved like a beginner's", moved.len());
}

/// The picture of the first scale is where the second begins.
#[test]
fn the_picture_is_carried_up() {
    for method in [LBFGS, ADAM, AVERAGE] {
        let plan_of = |iterations| plan(method, iterations, None);
        let coarse = {
            let mut painter = start(&plan_of("9,1"));
            let mut last = None;
            for _ in 0..9 {
                painter.advance().unwrap();
                last = Some(painter.image().unwrap());
            }
            last.unwrap()
        };
        // With the average one step of Adam away, else just what was carried.
        let scale_state = finish(&mut start(&plan_of("9,1"))).1;
        let wanted = coarse.resized_to(30, 22).unwrap();
        let off =
            scale_state.pixels().iter().zip(wanted.pixels()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 2.1, "{method:?}: off by {off}");
    }
}

/// A part of a picture, `width` columns from `left` on.
fn columns(image: &Image, left: u32, width: u32) -> Image {
    let row = image.width() as usize * 3;
    let part = (left as usize * 3)..((left + width) as usize * 3);
    let rgb = image.pixels().chunks_exact(row).flat_map(|pixels| pixels[part.clone()].to_vec()).collect();
    Image::from_rgb(width, image.height(), rgb).unwrap()
}

fn style_loss(image: &Image, style: &Image) -> f64 {
    let (gpu, network, settings) = (common::fast_gpu(), network(), settings());
    let styles = [style.clone().into()];
    let scene = Scene::new(image, &styles);
    let targets = Targets::new(gpu, &network, &settings, &scene, &TargetOptions::default()).unwrap();
    let objective = Objective::new(gpu, &network, &settings, &targets, Activations::Kept).unwrap();
    gpu.write(objective.x(), &to_variable(image));
    objective.evaluate(gpu).unwrap().style
}

/// Two styles, one for the left half and one for the right: each half comes nearer to its own than to the
/// other's. Without masks they do not part.
#[test]
fn masked_styles_stay_in_their_regions() {
    // Fine noise around red, and stripes of blue.
    let pixel = |f: &dyn Fn(u32, u32) -> [f32; 3]| {
        let rgb = (0..24 * 24).flat_map(|i| f(i % 24, i / 24)).collect();
        Image::from_rgb(24, 24, rgb).unwrap()
    };
    let red = pixel(&|x, y| [200.0, 40.0 + ((x * 7 + y * 13) % 5) as f32 * 20.0, 60.0]);
    let blue = pixel(&|_, y| if y % 6 < 3 { [30.0, 60.0, 220.0] } else { [20.0, 140.0, 120.0] });
    let content = Image::from_rgb(32, 24, vec![120.0; 32 * 24 * 3]).unwrap();
    let half = |left: bool| {
        let white = |i: u32| if (i % 32 < 16) == left { [255.0; 3] } else { [0.0; 3] };
        Region::new(Image::from_rgb(32, 24, (0..32 * 24).flat_map(white).collect()).unwrap()).unwrap()
    };
    let paint = |masks: [Option<Region>; 2]| {
        let images = [red.clone(), blue.clone()].into_iter().zip(masks);
        let styles = images.map(|(image, region)| Style { region, ..image.into() }).collect();
        let inputs = PaintingInputs {
            content: content.clone(),
            styles,
            content_region: None,
            tone_region: None,
            margin: 0,
        };
        let settings = Settings { content_weight: 0.0, ..settings() };
        let plan = Plan { settings, schedule: Schedule::plain(32, 24, 60), ..plan(ADAM, "1", None) };
        let start = to_variable(&content);
        let image =
            finish(&mut Painter::new(common::fast_gpu(), &network(), inputs, plan, from(&start)).unwrap()).1;
        [columns(&image, 0, 16), columns(&image, 16, 16)]
    };
    let [left, right] = paint([Some(half(true)), Some(half(false))]);
    let own = [style_loss(&left, &red), style_loss(&right, &blue)];
    let other = [style_loss(&left, &blue), style_loss(&right, &red)];
    assert!(own[0] < 0.5 * other[0] && own[1] < 0.5 * other[1], "own {own:?}, other {other:?}");
    let [left, right] = paint([None, None]);
    let parted = style_loss(&left, &red) < 0.5 * style_loss(&left, &blue)
        && style_loss(&right, &blue) < 0.5 * style_loss(&right, &red);
    assert!(!parted, "without masks the halves part all the same");
}

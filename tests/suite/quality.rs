//! The defaults in numbers, for two small pairs, and whether the numbers see what the eye sees: see `examples/quality`.

#[path = "../../examples/quality/faults.rs"]
mod faults;
#[path = "../../examples/quality/metrics.rs"]
mod metrics;
#[path = "../../examples/quality/plane.rs"]
mod plane;

use std::sync::OnceLock;

use impasto::gpu::Precision;
use impasto::image_io::{Image, Size};
use impasto::ops::Pooling;
use impasto::ops::variants::ComputePrecision;
use impasto::painter::style_side;
use impasto::tuner::{Mode, Tuner};
use impasto::vgg19::{Network, Weights};

use super::common::test_folder::TestFolder;
use super::common::{fast_gpu, root};
use metrics::Scores;

/// Longer side of the paintings.
const SIZE: u32 = 144;

fn network() -> &'static Network {
    static NETWORK: OnceLock<Network> = OnceLock::new();
    NETWORK.get_or_init(|| {
        let weights = Weights::embedded().unwrap().balanced().unwrap();
        let tuner = Tuner { mode: Mode::BuiltIn, folder: None, precision: ComputePrecision::F32.into() };
        let choice = tuner.choose(fast_gpu(), [SIZE; 2], weights.deepest(), &mut |_, _, _| {}).unwrap();
        Network::new(fast_gpu(), &weights, Pooling::Max, &choice.kernels, Precision::F32).unwrap()
    })
}

fn asset(name: &str, size: u32) -> Image {
    let path = root().join(format!("assets/{name}.jpg"));
    Image::load(path).unwrap().resized(Size::Longer(size)).unwrap()
}

fn scores(photo: &Image, style: &Image, painting: &Image) -> Scores {
    Scores::of(fast_gpu(), network(), photo, style, painting).unwrap()
}

/// The bounds leave room beyond what was measured on lavapipe, since other devices paint other pictures. The content
/// that defaults from 128 pixels with 0.8 of noise keep, 0.33 and 0.26 at 256 pixels, is below them.
#[test]
fn the_defaults_keep_the_subject_and_paint_all_of_it() {
    let folder = TestFolder::new();
    for (content, style, least_content, most_style) in
        [("astronaut", "facets", 0.44, 0.45), ("cat", "swirl", 0.44, 0.5)]
    {
        let assets = root().join("assets").display().to_string();
        folder
            .command(&format!(
                "paint {assets}/content-{content}.jpg {assets}/style-{style}.jpg -o @out.png --size {SIZE} --no-tune -q"
            ))
            .assert()
            .success();
        let painting = Image::load(folder.path("out.png")).unwrap();
        let photo = asset(&format!("content-{content}"), SIZE);
        let photo = photo.resized_to(painting.width(), painting.height()).unwrap();
        let image = Image::load(root().join(format!("assets/style-{style}.jpg"))).unwrap();
        let style_image = image.resized(Size::Longer(style_side(&image, SIZE).unwrap())).unwrap();
        let scores = scores(&photo, &style_image, &painting);
        assert!(scores.content > least_content, "{content} {style}: {scores:?}");
        assert!(scores.style < most_style && scores.bare < 0.25, "{content} {style}: {scores:?}");
        // The lines between panes alone give some 25 along the edges of the facets.
        assert!(scores.faults.frame < 30.0 && scores.faults.dots < 2.0, "{content} {style}: {scores:?}");
    }
}

#[test]
fn a_photograph_has_all_content_and_a_style_all_style() {
    let (photo, style) = (asset("content-cat", SIZE), asset("style-facets", SIZE));
    let unpainted = scores(&photo, &style, &photo);
    let all_style = scores(&photo, &style, &style.resized_to(photo.width(), photo.height()).unwrap());
    assert!((unpainted.content - 1.0).abs() < 1e-6 && all_style.content < 0.4, "{unpainted:?} {all_style:?}");
    assert!(unpainted.style > 2.0 * all_style.style, "{unpainted:?} {all_style:?}");
    assert!(unpainted.patches > 1.5 * all_style.patches, "{unpainted:?} {all_style:?}");
    assert!(unpainted.bare > 0.5 && all_style.bare < 0.1, "{unpainted:?} {all_style:?}");
}

/// Each fault, put into a style image on purpose, is seen by its number and by none of the other two.
#[test]
fn faults_are_seen() {
    let style = asset("style-swirl", SIZE);
    let (width, height) = (style.width(), style.height());
    let changed = |change: &dyn Fn(u32, u32, usize) -> f32| {
        let value = |(i, value): (usize, &f32)| {
            let pixel = (i / 3) as u32;
            (value + change(pixel % width, pixel / width, i % 3)).clamp(0.0, 255.0)
        };
        Image::from_rgb(width, height, style.pixels().iter().enumerate().map(value).collect()).unwrap()
    };
    let faults = |painting: &Image| {
        let faults = faults::Faults::of(&style, &style, painting);
        [faults.frame, faults.ripples, faults.dots]
    };
    let whole = faults(&style);
    assert_eq!(whole, [0.0; 3]);
    let framed = changed(&|x, _, _| if x < 3 { 60.0 } else { 0.0 });
    let rippled = changed(&|x, _, _| if x % 4 < 2 { 12.0 } else { -12.0 });
    let dotted =
        changed(&|x, y, channel| if x % 16 == 5 && y % 16 == 5 && channel == 0 { 200.0 } else { 0.0 });
    let [framed, rippled, dotted] = [framed, rippled, dotted].map(|painting| faults(&painting));
    assert!(framed[0] > 20.0 && framed[2] < 1.0, "{framed:?}");
    assert!(rippled[1] > 0.5 && rippled[0] < 5.0 && rippled[2] < 1.0, "{rippled:?}");
    assert!(dotted[2] > 1.0 && dotted[0] < 5.0, "{dotted:?}");
}

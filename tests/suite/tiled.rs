//! The objective in tiles against the whole one: the same losses and the same gradient, whatever the tiles.

use crate::common;
use impasto::gpu::{Gpu, GpuOptions, Use};
use impasto::graph::Activations;
use impasto::image_io::Image;
use impasto::objective::{
    Losses, Objective, Region, Scene, Settings, Style, StyleCache, TargetOptions, Targets, TiledObjective,
    Tiling, to_variable,
};
use impasto::ops::Pooling;
use impasto::ops::variants::ComputePrecision;
use impasto::optim::{Method, Pairs};
use impasto::painter::{OptimizationLoop, TiledLoop};
use impasto::tuner::{Mode, Tuner};
use impasto::vgg19::{LayerId, Network, Weights};

/// A picture with edges, ramps and texture, the same on every machine.
fn image(width: u32, height: u32, seed: u32) -> Image {
    let wave = |v: u32, period: u32| {
        let phase = v % period;
        phase.min(period - phase) * 510 / period
    };
    let value = |x: u32, y: u32, c: u32| {
        let slope = wave(x * (2 + c) + 3 * y + 70 * seed, 200 + 40 * seed);
        let bend = wave(x * y / (60 + 9 * seed) + 90 * c, 150);
        let block = (x / 23 + y / 17 + seed) % 2 * 255;
        ((2 * slope + bend + block) / 4) as f32
    };
    let pixels = (0..width * height).flat_map(|i| [0, 1, 2].map(|c| value(i % width, i / width, c)));
    Image::from_rgb(width, height, pixels.collect()).unwrap()
}

fn network(gpu: &Gpu, settings: &Settings, pooling: Pooling, precision: ComputePrecision) -> Network {
    let tuner = Tuner { mode: Mode::BuiltIn, folder: None, precision: precision.into() };
    let kernels = tuner.choose(gpu, [256, 256], LayerId::LAST, &mut |_, _, _| ()).unwrap().kernels;
    let weights = Weights::embedded_up_to(settings.deepest()).unwrap().normalised().unwrap();
    Network::new(gpu, &weights, pooling, &kernels, precision.storage()).unwrap()
}

/// What there is to compare.
struct Scenario {
    size: [u32; 2],
    settings: Settings,
    pooling: Pooling,
    styles: Vec<Style>,
    content_region: Option<Region>,
}

impl Scenario {
    fn plain(width: u32, height: u32) -> Self {
        Self {
            size: [width, height],
            settings: Settings { tone_weight: 0.05, tv_weight: 0.01, ..Settings::default() },
            pooling: Pooling::Max,
            styles: vec![image(width - 41, height + 7, 2).into()],
            content_region: None,
        }
    }

    fn content(&self) -> Image {
        image(self.size[0], self.size[1], 1)
    }

    /// Where to evaluate.
    fn x(&self) -> Vec<f32> {
        to_variable(&image(self.size[0], self.size[1], 3))
    }

    fn scene<'a>(&'a self, content: &'a Image) -> Scene<'a> {
        let region = self.content_region.as_ref();
        Scene { content, styles: &self.styles, content_region: region, tone_region: region }
    }

    fn whole(&self, gpu: &Gpu, network: &Network) -> (Losses, Vec<f32>) {
        self.whole_with(gpu, network, Activations::Kept)
    }

    fn whole_with(&self, gpu: &Gpu, network: &Network, activations: Activations) -> (Losses, Vec<f32>) {
        let content = self.content();
        let targets =
            Targets::new(gpu, network, &self.settings, &self.scene(&content), &TargetOptions::default())
                .unwrap();
        let objective = Objective::new(gpu, network, &self.settings, &targets, activations).unwrap();
        gpu.write(objective.x(), &self.x());
        let losses = objective.evaluate(gpu).unwrap();
        (losses, gpu.read(objective.gradient()).unwrap())
    }

    fn tiled(&self, gpu: &Gpu, network: &Network, tiling: Tiling) -> (Losses, Vec<f32>, usize) {
        let content = self.content();
        let scene = self.scene(&content);
        let memory = StyleCache::none();
        let objective = TiledObjective::new(gpu, network, &self.settings, &scene, tiling, &memory).unwrap();
        let (losses, gradient) = objective.evaluate(&self.x()).unwrap();
        (losses, gradient, objective.tiles())
    }

    /// The tiles' answers are the whole's.
    fn check(&self, gpu: &Gpu, cores: &[(u32, usize)]) {
        let network = network(gpu, &self.settings, self.pooling, ComputePrecision::F32);
        let (losses, gradient) = self.whole(gpu, &network);
        for (core, count) in cores {
            let (tiled_losses, tiled_gradient, tiles) = self.tiled(gpu, &network, (*core).into());
            let what = format!("{:?} in {tiles} tiles of {core}", self.size);
            assert_eq!(tiles, *count, "{what}");
            let off = furthest(&tiled_losses, &losses);
            assert!(off < 1e-5, "{what}: losses are off by {off:.1e}");
            let off = distance(&tiled_gradient, &gradient);
            assert!(off < 1e-4, "{what}: the gradient is off by {off:.1e}");
        }
    }
}

/// The largest relative difference of two lists of losses.
fn furthest(a: &Losses, b: &Losses) -> f64 {
    let all = |losses: &Losses| {
        let Losses { total, content, style, tv, content_layers, style_layers } = losses.clone();
        let layers = content_layers.into_values().chain(style_layers.into_values());
        [total, content, style, tv].into_iter().chain(layers).collect::<Vec<f64>>()
    };
    all(a).into_iter().zip(all(b)).map(|(a, b)| (a - b).abs() / b.abs().max(1e-30)).fold(0.0, f64::max)
}

/// The length of the difference over the length of `b`.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    difference / norm(&mut b.iter().map(|b| f64::from(*b)))
}

#[test]
fn tiles_of_any_size_give_the_whole() {
    let gpu = common::fast_gpu();
    Scenario::plain(384, 288).check(gpu, &[(400, 1), (192, 4), (144, 6)]);
    Scenario::plain(500, 333).check(gpu, &[(176, 6)]);
}

/// On a device whose tensors are so small that block 1 goes in bands of rows, and block 2 too.
#[test]
fn bands_give_the_whole() {
    let layers = |text: &str| text.parse().unwrap();
    let settings = Settings {
        content_layers: layers("conv3_1"),
        style_layers: layers("conv1_1,conv1_2,conv2_1,conv2_2,conv3_1"),
        ..Settings::default()
    };
    use {Activations::*, ComputePrecision::*, Pooling::*};
    // Also with the kernels of GPUs, whose scratch is larger.
    let discrete = Some(wgpu::DeviceType::DiscreteGpu);
    for (pooling, size, precision, activations, kind) in [
        (Max, [500, 333], F32, Kept, None),
        (Avg, [333, 500], F32, Recomputed, discrete),
        (Max, [333, 500], F16, Kept, None),
        (Max, [333, 500], F16, Kept, discrete),
    ] {
        let scenario = Scenario { settings: settings.clone(), pooling, ..Scenario::plain(size[0], size[1]) };
        let answer = |precision, max_tensor_bytes| {
            let gpu = common::open(GpuOptions { max_tensor_bytes, kind, ..Default::default() });
            let network = network(&gpu, &settings, pooling, precision);
            scenario.whole_with(&gpu, &network, activations)
        };
        let exact = answer(F32, None);
        let whole = if precision == F32 { exact.clone() } else { answer(precision, None) };
        let off = |(losses, gradient): &(Losses, Vec<f32>)| {
            [furthest(losses, &exact.0), distance(gradient, &exact.1)]
        };
        // In f16 bands may be a little further off than the whole is: they meet Winograd's tiles elsewhere.
        let (most, small) = match precision {
            F16 => (off(&whole).map(|off| 1.3 * off), 9 << 20),
            // Winograd's kernels round bands and the whole apart: 1.2e-5 with those of a discrete GPU.
            _ => ([2e-5, 1e-4], 11 << 20),
        };
        let banded = answer(precision, Some(small));
        let (off, what) = (off(&banded), format!("{size:?} in {precision:?}"));
        assert!(off[0] < most[0], "{what}: losses are off by {:.1e}, more than {:.1e}", off[0], most[0]);
        assert!(off[1] < most[1], "{what}: the gradient is off by {:.1e}, more than {:.1e}", off[1], most[1]);
        assert_ne!(banded.1, whole.1, "no bands were made");
    }
}

/// In tiles, and in bands where a tensor has at most 128 MiB, against PyTorch's answer in double precision: see
/// `tests/reference/large_case.py`.
#[test]
fn a_large_picture_is_that_of_the_reference() {
    let gpu = &common::open(GpuOptions { max_tensor_bytes: Some(128 << 20), ..Default::default() });
    let mut scenario = Scenario::plain(1024, 640);
    scenario.settings.tone_weight = 0.0;
    let network = network(gpu, &scenario.settings, Pooling::Max, ComputePrecision::F32);
    let (losses, gradient, tiles) = scenario.tiled(gpu, &network, 352.into());
    assert_eq!(tiles, 6);
    is_that_of_the_reference(&losses, &gradient);
    let (losses, gradient) = scenario.whole(gpu, &network);
    is_that_of_the_reference(&losses, &gradient);
}

fn is_that_of_the_reference(losses: &Losses, gradient: &[f32]) {
    let folder = common::golden().join("formula-1024x640");
    let text = std::fs::read_to_string(folder.join("score.json")).unwrap();
    let want: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (name, got) in
        [("total", losses.total), ("content", losses.content), ("style", losses.style), ("tv", losses.tv)]
    {
        let want = want[name].as_f64().unwrap();
        assert!((got / want - 1.0).abs() < 2e-4, "{name}: {got}, not {want}");
    }
    let sample: Vec<f32> = gradient.iter().step_by(479).copied().collect();
    let off = distance(&sample, &common::npy(&folder.join("gradient.npy")));
    assert!(off < 1e-3, "the gradient is off by {off:.1e}");
}

#[test]
fn tiles_know_regions_and_several_styles() {
    let [width, height] = [384, 288];
    let mut left = vec![0.0; width as usize * height as usize * 3];
    let bright = |i: usize| i / 3 % width as usize * 2 < width as usize;
    left.iter_mut().enumerate().filter(|(i, _)| bright(*i)).for_each(|(_, value)| *value = 255.0);
    let right = left.iter().map(|value| 255.0 - value).collect();
    let region = |mask| Region::new(Image::from_rgb(width, height, mask).unwrap()).unwrap();
    let (left, right) = (region(left), region(right));
    let style = |seed, weight, region| Style { weight, region, ..image(200, 180, seed).into() };
    let plain = Scenario::plain(width, height);
    let settings = Settings {
        content_layers: "conv2_2=0.5,conv3_1".parse().unwrap(),
        style_layers: "conv1_1,conv2_2=2,conv3_3".parse().unwrap(),
        style_weight: 30.0,
        ..plain.settings.clone()
    };
    let scenario = Scenario {
        styles: vec![
            style(2, 2.0, Some(left.clone())),
            Style { image_region: Some(left.clone()), ..style(4, 1.0, Some(right.clone())) },
            Style { image_region: Some(right), ..style(5, 0.5, None) },
        ],
        content_region: Some(left),
        pooling: Pooling::Avg,
        settings,
        ..plain
    };
    scenario.check(common::fast_gpu(), &[(128, 9)]);
}

/// The comparison notices a seam: what a tile that sees too little of its neighbours would leave.
#[test]
fn a_seam_is_noticed() {
    let [width, height] = [320, 200];
    let gradient: Vec<f32> = image(width, height, 1).pixels().iter().map(|value| value - 100.0).collect();
    let mut seam = gradient.clone();
    seam.chunks_exact_mut(width as usize).for_each(|row| row[160] *= 1.01);
    assert!(distance(&seam, &gradient) > 4e-4);
    assert!(distance(&gradient, &gradient) == 0.0);
}

/// What a scale starts from is not lost with the device in its first evaluation.
#[test]
fn before_its_first_evaluation_a_loop_has_its_start() {
    let scenario = Scenario::plain(64, 48);
    let gpu = common::fast_gpu();
    let network = network(gpu, &scenario.settings, Pooling::Max, ComputePrecision::F32);
    let content = scenario.content();
    let scene = scenario.scene(&content);
    let cache = StyleCache::none();
    let objective =
        TiledObjective::new(gpu, &network, &scenario.settings, &scene, 64.into(), &cache).unwrap();
    let method = Method::Lbfgs { lr: 1.0, history: 2, smoothing: 0.0 };
    let mut optimization = TiledLoop::new(objective, method, &scenario.x(), Pairs::Single).unwrap();
    assert!(*optimization.image().unwrap() == scenario.x()[..]);
    optimization.advance(2).unwrap().unwrap();
    assert!(*optimization.image().unwrap() == scenario.x()[..], "the best so far");
}

/// Activations that are computed again are the same: so are losses and gradients, to the bit.
#[test]
fn recomputing_changes_nothing() {
    let scenario = Scenario::plain(150, 97);
    // A device of its own: the memory of a shared one is that of other tests as well.
    let gpu = &common::open(GpuOptions::default());
    let network = network(gpu, &scenario.settings, Pooling::Max, ComputePrecision::F32);
    let content = scenario.content();
    let scene = scenario.scene(&content);
    let targets = Targets::new(gpu, &network, &scenario.settings, &scene, &TargetOptions::default()).unwrap();
    let evaluate = |activations| {
        let objective = Objective::new(gpu, &network, &scenario.settings, &targets, activations).unwrap();
        gpu.write(objective.x(), &scenario.x());
        let losses = objective.evaluate(gpu).unwrap();
        let memory = gpu.memory();
        (
            losses,
            gpu.read(objective.gradient()).unwrap(),
            memory.of(Use::Activations) + memory.of(Use::Gradients),
        )
    };
    let (kept, again) = (evaluate(Activations::Kept), evaluate(Activations::Recomputed));
    assert_eq!(kept.0, again.0);
    assert!(kept.1 == again.1, "the gradients differ");
    assert!(again.2 as f64 <= 0.8 * kept.2 as f64, "{} and {} bytes", again.2, kept.2);
    let tiling = Tiling { core: 64, activations: Activations::Recomputed, content: Activations::Recomputed };
    let (tiled, recomputed) =
        (scenario.tiled(gpu, &network, 64.into()), scenario.tiled(gpu, &network, tiling));
    assert!(tiled == recomputed, "tiles differ");
}

#[test]
fn half_precision_works_in_tiles() {
    let scenario = Scenario::plain(320, 160);
    let gpu = common::fast_gpu();
    let network = network(gpu, &scenario.settings, Pooling::Max, ComputePrecision::F16);
    let (losses, gradient) = scenario.whole(gpu, &network);
    let (tiled_losses, tiled_gradient, _) = scenario.tiled(gpu, &network, 128.into());
    assert!((tiled_losses.total / losses.total - 1.0).abs() < 5e-3);
    assert!(distance(&tiled_gradient, &gradient) < 3e-2);
}

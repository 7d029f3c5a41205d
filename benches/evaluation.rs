//! One evaluation of the default objective, loss and gradient, and the updates of both optimisers alone:
//! `cargo bench --bench evaluation`. `IMPASTO_BENCH_SIZE` sets the picture's side (128).

use std::time::Instant;

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use impasto::Result;
use impasto::gpu::{Gpu, Precision, Recording, Shape, Use};
use impasto::graph::Activations;
use impasto::image_io::Image;
use impasto::objective::{Objective, Scene, Settings, TargetOptions, Targets};
use impasto::ops::Pooling;
use impasto::ops::case::{numbers, to_f32};
use impasto::ops::variants::ComputePrecision;
use impasto::optim::{Method, Optimizer, Problem};
use impasto::tuner::{Mode, Tuner};
use impasto::vgg19::{Network, Weights};

fn side() -> u32 {
    std::env::var("IMPASTO_BENCH_SIZE").ok().and_then(|side| side.parse().ok()).unwrap_or(128)
}

fn time(group: &mut BenchmarkGroup<WallTime>, name: &str, gpu: &Gpu, recordings: &[&Recording]) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|repetitions| {
            let start = Instant::now();
            for _ in 0..repetitions {
                gpu.submit(recordings).expect("the device failed");
            }
            gpu.wait().expect("the device failed");
            start.elapsed()
        });
    });
}

fn image(seed: u64) -> Result<Image> {
    let count = (side() * side() * 3) as usize;
    let rgb = numbers(seed, count).iter().map(|v| 127.0 * (v + 1.0) as f32).collect();
    Image::from_rgb(side(), side(), rgb)
}

fn objective(gpu: &Gpu) -> Result<Objective> {
    let settings = Settings::default();
    let weights = Weights::embedded_up_to(settings.deepest())?.normalised()?;
    let tuner = Tuner { mode: Mode::BuiltIn, folder: None, precision: ComputePrecision::F32.into() };
    let choice = tuner.choose(gpu, [side(); 2], weights.deepest(), &mut |_, _, _| ())?;
    let network = Network::new(gpu, &weights, Pooling::Max, &choice.kernels, Precision::F32)?;
    let (content, styles) = (image(1)?, [image(2)?.into()]);
    let scene = Scene::new(&content, &styles);
    let targets = Targets::new(gpu, &network, &settings, &scene, &TargetOptions::default())?;
    Objective::new(gpu, &network, &settings, &targets, Activations::Kept)
}

fn evaluation(criterion: &mut Criterion) {
    let gpu = Gpu::open(&Default::default()).expect("no adapter");
    let objective = objective(&gpu).expect("the device failed");
    let mut group = criterion.benchmark_group("evaluation");
    group.sample_size(10);
    let program = objective.program();
    time(&mut group, "loss", &gpu, &[&program.forward]);
    time(&mut group, "loss and gradient", &gpu, &[&program.forward, &program.backward]);
}

fn updates(criterion: &mut Criterion) {
    let gpu = Gpu::open(&Default::default()).expect("no adapter");
    let shape = Shape::planar(3, side(), side());
    let mut group = criterion.benchmark_group("update");
    group.sample_size(10);
    let methods = [
        ("adam", Method::Adam { lr: 0.01, average: false }),
        ("lbfgs of 10 pairs", Method::Lbfgs { lr: 0.01, history: 10, smoothing: 0.0 }),
        ("lbfgs of 100 pairs", Method::Lbfgs { lr: 0.01, history: 100, smoothing: 0.0 }),
    ];
    for (name, method) in methods {
        let upload = |seed, what: &str| {
            gpu.upload(shape, &to_f32(&numbers(seed, shape.len())), Use::Optimizer, what)
                .expect("out of memory")
        };
        let loss = gpu.upload(Shape::scalar(), &[1.0], Use::Optimizer, "loss").expect("out of memory");
        let problem = Problem { x: upload(1, "x"), gradient: upload(2, "gradient"), loss };
        let optimizer = Optimizer::new(&gpu, method, &problem).expect("the device failed");
        // The gradient of |x|^2 / 2: its pairs have positive curvature, so the history fills.
        let mut evaluate = Recording::new(&gpu);
        evaluate.copy(&problem.x, &problem.gradient);
        let step = [&evaluate, &optimizer.update];
        for _ in 0..102 {
            gpu.submit(&step).expect("the device failed");
        }
        time(&mut group, name, &gpu, &step);
    }
}

criterion_group!(benches, evaluation, updates);
criterion_main!(benches);

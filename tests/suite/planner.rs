//! The planner: what it foretells is what is taken, budgets hold, and runs step down where memory is short.

use std::sync::Arc;
use std::time::Duration;

use crate::common::test_folder::{SHALLOW, TestFolder, log_lines, stderr};
use crate::common::{self, DEVICE_SWITCHES, open};
use impasto::Error;
use impasto::error::{Remedy, Setting};
use impasto::gpu::{Faults, Gpu, GpuOptions, Precision};
use impasto::graph::Activations;
use impasto::image_io::Image;
use impasto::objective::{MemoryEstimate, Parts, Settings};
use impasto::ops::Pooling;
use impasto::ops::variants::ComputePrecision;
use impasto::optim::{Method, Pairs};
use impasto::painter::{Painter, PainterOptions, PaintingInputs, Plan, Schedule};
use impasto::planner::{Budget, Choice, Strategy};
use impasto::tuner::{Mode, Tuner};
use impasto::vgg19::{LayerId, Network, Weights};

const LBFGS: Method = Method::Lbfgs { lr: 1.0, history: 10, smoothing: 0.0 };

fn network(gpu: &Gpu, precision: ComputePrecision) -> Arc<Network> {
    let settings = Settings::default();
    let tuner = Tuner { mode: Mode::BuiltIn, folder: None, precision: precision.into() };
    let kernels = tuner.choose(gpu, [256, 256], LayerId::LAST, &mut |_, _, _| ()).unwrap().kernels;
    let weights = Weights::embedded_up_to(settings.deepest()).unwrap();
    Arc::new(Network::new(gpu, &weights, Pooling::Max, &kernels, precision.storage()).unwrap())
}

fn image(width: u32, height: u32) -> Image {
    let rgb = (0..width * height * 3).map(|i| (i * 37 % 256) as f32).collect();
    Image::from_rgb(width, height, rgb).unwrap()
}

fn inputs(width: u32, height: u32) -> PaintingInputs {
    PaintingInputs {
        content: image(width, height),
        styles: vec![image(96, 80).into()],
        content_region: None,
        tone_region: None,
        margin: 0,
    }
}

fn plan(width: u32, height: u32, method: Method, memory: Option<u64>) -> Plan {
    Plan { method, memory, ..Plan::new(Schedule::plain(width, height, 2)) }
}

/// A budget that just holds what a choice takes.
fn enough_for(gpu: &Gpu, choice: &Choice) -> u64 {
    Budget::of(gpu, None).counted(choice.device.total(), choice.host)
}

/// Paints two evaluations and compares what was foretold with what was taken.
fn check(gpu: &Gpu, network: &Arc<Network>, plan: Plan, [width, height]: [u32; 2]) -> Choice {
    gpu.forget_peak_memory();
    let mut painter =
        Painter::new(gpu, network, inputs(width, height), plan, PainterOptions::default()).unwrap();
    while painter.advance().unwrap().is_some() {}
    let choice = painter.choices()[0].clone();
    let (foretold, taken) = (choice.device.total() as f64, gpu.peak_memory() as f64);
    assert!((foretold / taken - 1.0).abs() < 0.1, "{choice}: {foretold} foretold, {taken} taken");
    choice
}

#[test]
fn what_is_foretold_is_taken() {
    for precision in [ComputePrecision::F32, ComputePrecision::F16] {
        let gpu = open(GpuOptions::default());
        let network = network(&gpu, precision);
        let size = [320, 200];
        let whole = check(&gpu, &network, plan(320, 200, LBFGS, None), size);
        assert_eq!(
            whole.strategy,
            Strategy::Whole { activations: Activations::Kept, style_core: None },
            "{whole}"
        );
        // A little less, and a little less again.
        let again = check(&gpu, &network, plan(320, 200, LBFGS, Some(enough_for(&gpu, &whole) - 1)), size);
        let recomputed = Strategy::Whole { activations: Activations::Recomputed, style_core: None };
        assert_eq!(again.strategy, recomputed, "{again}");
        assert!(again.device.total() < whole.device.total());
        let tiled = check(&gpu, &network, plan(320, 200, LBFGS, Some(enough_for(&gpu, &again) - 1)), size);
        assert!(matches!(tiled.strategy, Strategy::Tiled { history: None, .. }), "{tiled}");
        assert!(tiled.to_string().contains("in one piece it takes"), "{tiled}");
    }
}

/// Pairs are halved before tiles become small, and given up last; then there is nothing left to do.
#[test]
fn history_shrinks_last() {
    // What is asked for is for device and host together where they share one memory.
    let kind = Some(wgpu::DeviceType::IntegratedGpu);
    let gpu = open(GpuOptions { kind, max_tensor_bytes: Some(128 << 20), ..GpuOptions::default() });
    let network = network(&gpu, ComputePrecision::F32);
    let long = Method::Lbfgs { lr: 1.0, history: 200, smoothing: 0.0 };
    let choose = |memory: u64| {
        let schedule = Schedule::plain(1024, 768, 201);
        // Somebody wants a layer whole that is too large for one binding.
        let settings = Settings { content_layers: "conv1_2".parse().unwrap(), ..Settings::default() };
        let plan = Plan { schedule, settings, ..plan(1024, 768, long, Some(memory)) };
        plan.choices(&gpu, &network, &inputs(1024, 768))
    };
    let strategies: Vec<Strategy> = [64, 8, 2, 1]
        .map(|gigabytes: u64| choose(gigabytes << 30).unwrap()[0].strategy)
        .into_iter()
        .collect();
    let (pairs, histories): (Vec<Pairs>, Vec<Option<u32>>) = strategies
        .iter()
        .map(|strategy| match *strategy {
            Strategy::Tiled { pairs, history, .. } => (pairs, history),
            Strategy::Whole { .. } => panic!("conv1_2 of 1024 x 768 is larger than 128 MiB"),
        })
        .unzip();
    assert_eq!(pairs, [Pairs::Single, Pairs::Single, Pairs::Half, Pairs::Half]);
    assert!(histories[..2] == [None, None] && histories[3].is_some_and(|pairs| pairs >= 1), "{histories:?}");
    let Err(Error::TooLarge { problem, remedies }) = choose(300 << 20) else { panic!("300 MiB are enough") };
    for word in ["1024 x 768", "even in small tiles", "more than the 300.0 MiB that are allowed"] {
        assert!(problem.contains(word), "{problem}");
    }
    assert_eq!(remedies, [Remedy::Lower(Setting::Size), Remedy::Raise(Setting::Memory)]);
}

/// Whether or not the device shares the host's memory.
#[test]
fn a_budget_below_every_plan_is_refused() {
    for kind in [wgpu::DeviceType::DiscreteGpu, wgpu::DeviceType::IntegratedGpu] {
        let gpu = open(GpuOptions { kind: Some(kind), ..GpuOptions::default() });
        let network = network(&gpu, ComputePrecision::F32);
        for method in [LBFGS, Method::Adam { lr: 2.0, average: false }] {
            let error =
                plan(64, 48, method, Some(1 << 20)).choices(&gpu, &network, &inputs(64, 48)).unwrap_err();
            assert!(
                error.to_string().contains("more than the 1.0 MiB that are allowed"),
                "{kind:?}: {error}"
            );
        }
    }
}

/// Two evaluations make one pair, however long a history is asked for.
#[test]
fn no_more_pairs_are_planned_than_evaluations_make() {
    let gpu = open(GpuOptions::default());
    let network = network(&gpu, ComputePrecision::F32);
    let choose = |history, iterations| {
        let schedule = Schedule::plain(64, 48, iterations);
        let plan =
            Plan { schedule, ..plan(64, 48, Method::Lbfgs { lr: 1.0, history, smoothing: 0.0 }, None) };
        plan.choices(&gpu, &network, &inputs(64, 48)).unwrap()
    };
    assert_eq!(choose(100, 2), choose(1, 2));
    assert_eq!(choose(100, 31), choose(30, 31));
    assert_ne!(choose(100, 31), choose(100, 32));
}

/// What the device holds does not grow with the picture once it is in tiles with neighbours on all sides.
#[test]
fn tiles_bound_the_memory_of_any_size() {
    let gpu = open(GpuOptions::default());
    let (network, settings, parts) =
        (network(&gpu, ComputePrecision::F32), Settings::default(), Parts::everywhere());
    // Tiles of 512 pixels have tensors of 128 MiB.
    let core: u32 = if gpu.max_tensor_bytes() < 128 << 20 { 256 } else { 512 };
    let device = |side: u32| {
        let estimate =
            MemoryEstimate::tiled(&gpu, &network, &settings, &parts, [side; 2], core.into()).unwrap();
        assert!(estimate.fits, "{side}");
        estimate.device.total() + gpu.memory().total()
    };
    let (small, large) = (device(2048), device(8192));
    assert_eq!(small, large, "2048 and 8192 pixels");
    assert!(device(4096) < 2 << 30, "4096 x 4096 is to be possible with 2 GiB on the device: {large}");
}

/// A device that has less than it seemed: the run goes on in smaller pieces, and says so.
#[test]
fn a_run_steps_down_when_memory_runs_out() {
    let taken = {
        let gpu = open(GpuOptions::default());
        let network = network(&gpu, ComputePrecision::F32);
        check(&gpu, &network, plan(320, 200, LBFGS, None), [320, 200]).device.total()
    };
    let faults = Faults { memory: Some(taken - (4 << 20)), lost_at: None };
    let gpu = open(GpuOptions { faults, ..GpuOptions::default() });
    let network = network(&gpu, ComputePrecision::F32);
    let mut painter = Painter::new(
        &gpu,
        &network,
        inputs(320, 200),
        plan(320, 200, LBFGS, None),
        PainterOptions::default(),
    )
    .unwrap();
    let notes = painter.take_notes();
    assert!(
        notes.len() == 1 && notes[0].contains("out of memory") && notes[0].contains("smaller pieces"),
        "{notes:?}"
    );
    while painter.advance().unwrap().is_some() {}
    painter.image().unwrap();
    // With next to nothing there is no way.
    let faults = Faults { memory: Some(gpu.memory().total() / 2), lost_at: None };
    let tiny = open(GpuOptions { faults, ..GpuOptions::default() });
    let weights = Weights::embedded_up_to(LayerId::LAST).unwrap();
    let kernels = network.kernels().clone();
    let refused = Network::new(&tiny, &weights, Pooling::Max, &kernels, Precision::F32).unwrap_err();
    assert!(matches!(refused, Error::OutOfMemory { .. }), "{refused}");
}

/// Submits that are cut short compute the same.
#[test]
fn short_submits_change_nothing() {
    let run = |submit_time| {
        let submit_time = Some(submit_time);
        let gpu = open(GpuOptions { submit_time, ..GpuOptions::default() });
        let network = network(&gpu, ComputePrecision::F32);
        let before = gpu.submits();
        let mut painter = Painter::new(
            &gpu,
            &network,
            inputs(64, 48),
            plan(64, 48, LBFGS, None),
            PainterOptions::default(),
        )
        .unwrap();
        let mut losses = vec![];
        while let Some(evaluation) = painter.advance().unwrap() {
            losses.push(evaluation.losses);
        }
        (losses, painter.image().unwrap(), gpu.submits() - before)
    };
    let (whole, cut) = (run(Duration::from_secs(100)), run(Duration::from_micros(50)));
    assert!(whole.0 == cut.0 && whole.1 == cut.1, "other numbers");
    assert!(cut.2 > 2 * whole.2, "{} submits, and {} of 50 microseconds", whole.2, cut.2);
}

#[test]
fn the_program_tells_its_plans() {
    let folder = TestFolder::new();
    let output = folder.command("devices --size 600 --memory 1GiB --history 10").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", stderr(&output));
    for word in ["256 x 256: in one piece, ", "600 x 600: ", "memory "] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert!(!text.contains("768 x 768"), "{text}");
    folder.refuses("devices --memory 1GiB", 2, &["required"]);
    folder.refuses("devices --size 4", 2, &["--size"]);
    folder.refuses("paint @content.png @style.png -o @out.png --memory lots", 2, &["--memory", "2GiB"]);
    let line = format!("paint @content.png @style.png -o @out.png --size 64 --scales 1 --margin 0 {SHALLOW}");
    folder.refuses(&format!("{line} --memory 1MiB"), 1, &["64 x 51", "--memory"]);
}

/// In tiles a painting comes to the same, and a stopped one goes on to the same bytes.
#[test]
fn a_painting_in_tiles_is_the_same_painting() {
    let folder = TestFolder::new();
    folder.image("content.png", 400, 300);
    let budget = |output: &str, more: &str| {
        format!(
            "paint @content.png @style.png -o @{output}.png --size 400 --style-size 200 --scales 2 --iterations 3 \
             --margin 0 --history 5 --no-tune --log @{output}.jsonl {SHALLOW}{more}"
        )
    };
    folder.command(&budget("whole", "")).assert().success();
    let tiles = format!(" --memory {}", common::memory_option(84 << 20));
    let output = folder.command(&budget("tiled", &tiles)).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("plan: 400 x 300: in tiles of up to"), "{}", stderr(&output));
    let losses = |name: &str| -> Vec<f64> {
        log_lines(&folder.path(&format!("{name}.jsonl")))
            .iter()
            .map(|line| line["total"].as_f64().unwrap())
            .collect()
    };
    for (whole, tiled) in losses("whole").into_iter().zip(losses("tiled")) {
        assert!((tiled / whole - 1.0).abs() < 1e-2, "{whole} in one piece, {tiled} in tiles");
    }
    let checkpointed = budget("broken", &format!("{tiles} --checkpoint @broken.ck --checkpoint-every 2"));
    // Lost earlier and later, until the submissions are fewer. Their number depends on the device.
    let (mut lost, mut at) = (0, 20);
    loop {
        at += at / 2;
        let output = folder
            .command(&checkpointed)
            .env(DEVICE_SWITCHES, common::switches(&format!("lost-at={at}")))
            .output()
            .unwrap();
        if output.status.success() {
            break;
        }
        let text = stderr(&output);
        assert!(text.contains("the device was lost: on purpose"), "{text}");
        if folder.path("broken.ck").exists() {
            assert!(
                text.contains("go on with: impasto resume") && text.contains("the picture after"),
                "{text}"
            );
            folder.command("resume @broken.ck").assert().success();
            assert!(
                std::fs::read(folder.path("broken.png")).unwrap()
                    == std::fs::read(folder.path("tiled.png")).unwrap(),
                "lost at {at}"
            );
            lost += 1;
            std::fs::remove_file(folder.path("broken.ck")).unwrap();
        }
    }
    assert!(lost > 0, "it was never lost after a checkpoint");
}

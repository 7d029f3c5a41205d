//! The kernels for matrix units, where there are none: their matrices are replaced by loops, so that all the rest of them
//! (what is loaded and how it is rounded, how it lies in workgroup memory, what is written) is checked.

use crate::common;
use impasto::gpu::{Gpu, GpuOptions, Precision, Shader, Shape, Use, expand_imports};
use impasto::graph::{Activations, Differentiate, Graph, Request};
use impasto::image_io::Image;
use impasto::objective::{Objective, Scene, Settings, TargetOptions, Targets, to_variable};
use impasto::ops::case::{Case, TestValues, distance, numbers, to_f32};
use impasto::ops::variants::{TunedOp, VARIANTS, Variant};
use impasto::ops::{Deviation, OPERATIONS, Pooling};
use impasto::vgg19::{Network, Weights};

/// A device that computes matrices in loops, with checks everywhere and poisoned memory.
fn emulating_gpu() -> Gpu {
    common::open(GpuOptions { emulate_matrices: true, paranoid: true, ..Default::default() })
}

/// Whether a variant runs only where there are matrix units.
fn is_for_matrix_units(variant: &Variant) -> bool {
    variant.missing(common::gpu()).is_some_and(|missing| missing.contains("matrix units"))
}

/// The test cases of a variant.
fn cases(variant: &Variant) -> Vec<Case> {
    let operation = OPERATIONS.iter().find(|operation| operation.name == operation_of(variant)).unwrap();
    (operation.cases)().into_iter().filter(|case| case.rung == variant.name).collect()
}

fn operation_of(variant: &Variant) -> &'static str {
    match variant.op() {
        TunedOp::Conv3x3 => "conv",
        TunedOp::Gram => "gram",
    }
}

#[test]
fn with_matrices_in_loops_they_agree_with_their_references() {
    let gpu = emulating_gpu();
    for variant in VARIANTS.iter().filter(|variant| is_for_matrix_units(variant)) {
        assert!(variant.runs_on(&gpu), "{:?}", variant.missing(&gpu));
        for case in cases(variant) {
            let Deviation { forward, backward, padding_is_zero } = case.check(&gpu).unwrap().unwrap();
            // Written so that NaN is caught.
            let is_right = forward <= case.tolerance && backward <= case.tolerance && padding_is_zero;
            assert!(is_right, "{}: off by {forward:.1e} forward, {backward:.1e} backward", case.label);
        }
    }
}

/// The last rung of the ladder that multiplies plain matrices, too: right, but for the rounding of its inputs.
#[test]
fn matrix_multiplication_on_matrix_units_agrees_with_its_reference() {
    let gpu = emulating_gpu();
    let operation = OPERATIONS.iter().find(|operation| operation.name == "matmul").unwrap();
    let cases: Vec<Case> =
        (operation.cases)().into_iter().filter(|case| case.rung == "matrix_units").collect();
    assert!(cases.len() >= 12);
    let mut worst: f64 = 0.0;
    for case in &cases {
        let Deviation { forward, padding_is_zero, .. } = case.check(&gpu).unwrap().unwrap();
        assert!(forward <= case.tolerance && padding_is_zero, "{}: off by {forward:.1e}", case.label);
        worst = worst.max(forward);
    }
    assert!(worst > 1e-5, "f16 has 11 bits, but nothing is off by more than {worst:.1e}");
}

/// Inputs and the gradient of the output for one run of an operation: all numbers times a factor.
#[derive(Debug, Clone, Copy)]
struct Factors {
    input: f32,
    gradient: f32,
}

const ONE: Factors = Factors { input: 1.0, gradient: 1.0 };

/// Output and gradient of a variant on a shape that fits no tile, for the same numbers with any variant.
fn run(gpu: &Gpu, variant: &'static Variant, factors: Factors) -> [Vec<f32>; 2] {
    run_on(gpu, variant, factors, Shape::blocked(37, 9, 21), 70)
}

fn run_on(
    gpu: &Gpu,
    variant: &'static Variant,
    factors: Factors,
    features: Shape,
    outs: u32,
) -> [Vec<f32>; 2] {
    let scaled = |numbers: Vec<f32>, factor: f32| numbers.into_iter().map(|x| x * factor).collect::<Vec<_>>();
    // Sums of one sign: a ReLU of them does not depend on how they are rounded.
    let values = TestValues::OneSign;
    let x = scaled(values.features(3, features.len()), factors.input);
    let x = gpu.upload(features, &x, Use::Activations, "x").unwrap();
    let mut graph = Graph::new();
    let leaf = graph.leaf("x", features);
    let op = variant.test_op(gpu, features, outs, values).unwrap();
    let node = graph.apply("op", op, &[leaf]);
    let differentiate = Some(Differentiate { outputs: vec![node], input: leaf });
    let plan = graph.plan(Request { keep: vec![node], differentiate, ..Request::default() });
    let program = graph.compile(gpu, &plan, &[(leaf, x)]).unwrap();
    let seed = &program.seeds()[0];
    gpu.write(seed, &scaled(to_f32(&numbers(4, seed.shape().len())), factors.gradient));
    gpu.submit(&[&program.forward, &program.backward]).unwrap();
    [gpu.read(program.value(node)).unwrap(), gpu.read(program.gradient().unwrap()).unwrap()]
}

/// How far a variant is from the naive one, the worse of both passes.
fn error(gpu: &Gpu, variant: &'static Variant, factors: Factors) -> f64 {
    difference(&run(gpu, variant, factors), &run(gpu, variant.op().naive(), factors))
}

/// How far results are from others, the worse of both passes.
fn difference(got: &[Vec<f32>; 2], want: &[Vec<f32>; 2]) -> f64 {
    let off = got.iter().zip(want).map(|(got, want)| {
        let want: Vec<f64> = want.iter().map(|number| f64::from(*number)).collect();
        distance(got, &want)
    });
    off.fold(0.0, f64::max)
}

fn conv(name: &str) -> &'static Variant {
    TunedOp::Conv3x3.variant(name).unwrap()
}

/// A device whose kernel of this name has another text.
fn gpu_with(kernel: &str, right: &str, wrong: &str) -> Gpu {
    let gpu = emulating_gpu();
    let shader = common::shader(kernel);
    let source = expand_imports(shader.source).unwrap();
    assert!(source.contains(right), "{kernel} does not contain {right}");
    let source = Box::leak(source.replace(right, wrong).into_boxed_str());
    for relu in [0.0, 1.0] {
        let overrides = [("RELU", relu), ("ACCUMULATE", 0.0)];
        gpu.kernel(&Shader { source, ..*shader }, &overrides).unwrap();
    }
    gpu
}

/// Gradients of real paintings are far below what f16 can hold, and features of other networks above it.
#[test]
fn the_scale_of_the_numbers_does_not_matter() {
    let gpu = emulating_gpu();
    for (variant, tolerance) in [(conv("halo"), 1e-3), (conv("halo_x3"), 2e-6)] {
        for magnitude in [1e-30, 1e-12, 1.0, 1e7, 1e20] {
            for factors in [Factors { input: magnitude, ..ONE }, Factors { gradient: magnitude, ..ONE }] {
                let error = error(&gpu, variant, factors);
                assert!(error < tolerance, "{variant} with numbers of {magnitude:e}: off by {error:.1e}");
            }
        }
    }
    let gram = TunedOp::Gram.variant("cooperative_x3").unwrap();
    for factors in
        [Factors { input: 1e-6, ..ONE }, Factors { input: 1e6, ..ONE }, Factors { gradient: 1e-15, ..ONE }]
    {
        assert!(error(&gpu, gram, factors) < 2e-6);
    }
}

/// Three products keep 22 bits, one keeps 11.
#[test]
fn the_tests_tell_three_products_from_one() {
    let gpu = emulating_gpu();
    let (one, three) = (error(&gpu, conv("halo"), ONE), error(&gpu, conv("halo_x3"), ONE));
    assert!(one > 20.0 * three && three < 2e-6, "off by {one:.1e} and {three:.1e}");
}

/// A driver that "simplifies" f32(f16(x)) to x makes every lo zero.
#[test]
fn a_lost_lo_is_seen() {
    let gpu = gpu_with("conv/9_halo_x3", "let hi = round_to_11_bits(v);", "let hi = v;");
    let error = error(&gpu, conv("halo_x3"), ONE);
    assert!(error > 1e-5, "off by {error:.1e} only");
}

#[test]
fn a_wrong_scale_is_seen() {
    // 2^8 instead of 2^14: the smallest numbers lose bits, and the gradients here are of all sizes.
    let kernel = "conv/8_halo";
    let wrong_inverse = gpu_with(kernel, "power_of_two(254u -", "power_of_two(255u -");
    assert!(error(&wrong_inverse, conv("halo"), ONE) > 0.1);
    // Without a scale small gradients vanish, and large inputs overflow.
    let unscaled = gpu_with(kernel, "return min(268u - (bits >> 23u), 253u);", "return 127u;");
    assert!(error(&unscaled, conv("halo"), Factors { gradient: 1e-9, ..ONE }) > 0.1);
    let overflown = error(&unscaled, conv("halo"), Factors { input: 1e7, ..ONE });
    assert!(overflown > 0.1 || overflown.is_nan(), "off by {overflown:.1e} only");
}

#[test]
fn a_wrong_matrix_is_seen() {
    let gpu = gpu_with("conv/8_halo", "c31 = coopMultiplyAdd(a3", "c31 = coopMultiplyAdd(a2");
    assert!(error(&gpu, conv("halo"), ONE) > 1e-2, "a wrong kernel passed");
}

/// `rounded` stands for matrix units where there are none, so it must compute what they do, for numbers of any size.
#[test]
fn rounded_numbers_give_the_results_of_halo() {
    let gpu = emulating_gpu();
    if !conv("rounded").runs_on(&gpu) {
        return;
    }
    for (channels, [height, width], outs) in [(37, [9, 21], 70), (3, [5, 4], 6), (128, [6, 17], 64)] {
        let features = Shape::blocked(channels, height, width);
        for factors in [
            ONE,
            Factors { input: 1e-30, ..ONE },
            Factors { input: 1e7, ..ONE },
            Factors { gradient: 1e-12, ..ONE },
        ] {
            let [halo, rounded, exact] = [conv("halo"), conv("rounded"), conv("naive")]
                .map(|variant| run_on(&gpu, variant, factors, features, outs));
            let (apart, off) = (difference(&rounded, &halo), difference(&halo, &exact));
            let what = format!("{channels}x{height}x{width} to {outs}, {factors:?}");
            assert!(apart < 3e-6 && off > 10.0 * apart, "{what}: {apart:.1e} apart, {off:.1e} from f32");
        }
    }
}

/// Numbers rounded up instead of to the nearest.
#[test]
fn wrong_rounding_is_seen() {
    let gpu = emulating_gpu();
    if !conv("rounded").runs_on(&gpu) {
        return;
    }
    let shader = common::shader("conv/round");
    let source = expand_imports(shader.source).unwrap();
    let wrong = source.replace("bits + 0xfffu + even", "bits + 0x1fffu");
    assert_ne!(wrong, source);
    gpu.kernel(&Shader { source: Box::leak(wrong.into_boxed_str()), ..*shader }, &[]).unwrap();
    let [halo, rounded] = [conv("halo"), conv("rounded")].map(|variant| run(&gpu, variant, ONE));
    let apart = difference(&rounded, &halo);
    assert!(apart > 1e-5, "{apart:.1e} apart only");
}

/// Loss and gradient of a small objective, with these kernels.
fn objective(gpu: &Gpu, overrides: &[&str]) -> (f64, Vec<f64>) {
    let settings = Settings {
        content_layers: "conv2_2".parse().unwrap(),
        style_layers: "conv1_1,conv1_2,conv2_1".parse().unwrap(),
        ..Settings::default()
    };
    // As trained: activations are in the hundreds, and gradients far from one.
    let weights = Weights::embedded_up_to(settings.deepest()).unwrap();
    let kernels = common::kernels(overrides);
    let network = Network::new(gpu, &weights, Pooling::Max, &kernels, Precision::F32).unwrap();
    let image = |seed| Image::from_rgb(30, 21, pixels(seed)).unwrap();
    let (content, styles) = (image(1), [image(2).into()]);
    let scene = Scene::new(&content, &styles);
    let targets = Targets::new(gpu, &network, &settings, &scene, &TargetOptions::default()).unwrap();
    let objective = Objective::new(gpu, &network, &settings, &targets, Activations::Kept).unwrap();
    gpu.write(objective.x(), &to_variable(&image(3)));
    let loss = objective.evaluate(gpu).unwrap().total;
    (loss, gpu.read(objective.gradient()).unwrap().into_iter().map(f64::from).collect())
}

fn pixels(seed: u64) -> Vec<f32> {
    numbers(seed, 30 * 21 * 3).into_iter().map(|number| (127.5 + 127.5 * number) as f32).collect()
}

/// The network's own weights and gradients, through both passes of five layers: three products are as good as f32, one is
/// near it.
#[test]
fn an_objective_agrees_with_that_of_the_plain_kernels() {
    let gpu = emulating_gpu();
    let (want, want_gradient) = objective(&gpu, &["conv3x3=registers", "gram=registers"]);
    for (conv, gram, of_loss, of_gradient) in
        [("halo_x3", "cooperative_x3", 1e-5, 1e-4), ("halo", "registers", 2e-3, 2e-2)]
    {
        let kernels = [format!("conv3x3={conv}"), format!("gram={gram}")];
        let (loss, gradient) = objective(&gpu, &kernels.each_ref().map(String::as_str));
        let got: Vec<f32> = gradient.iter().map(|number| *number as f32).collect();
        let off = (loss / want - 1.0).abs();
        let gradient_off = distance(&got, &want_gradient);
        assert!(
            off < of_loss && gradient_off < of_gradient,
            "{conv}: loss off by {off:.1e}, gradient by {gradient_off:.1e}"
        );
    }
}

/// A fault in the inputs reaches the result, where it can be noticed.
#[test]
fn infinity_and_nan_reach_the_result() {
    let gpu = emulating_gpu();
    for name in ["halo", "halo_x3"] {
        for fault in [f32::INFINITY, f32::NAN] {
            let [output, _] = run(&gpu, conv(name), Factors { input: fault, ..ONE });
            assert!(output.iter().all(|number| !number.is_finite()), "{name} hides {fault}");
            let [_, gradient] = run(&gpu, conv(name), Factors { gradient: fault, ..ONE });
            assert!(gradient.iter().any(|number| !number.is_finite()), "{name} hides {fault}");
        }
    }
}

/// What rounds its inputs is known for it, and nothing here runs without matrix units.
#[test]
fn they_are_known_for_their_precision_and_refused_without_matrix_units() {
    let rounding: Vec<_> = VARIANTS.iter().filter(|variant| variant.rounds_to_f16()).collect();
    assert_eq!(rounding, [conv("cooperative"), conv("halo"), conv("rounded")]);
    let gpu = common::gpu();
    if gpu.adapter().cooperative_matrices.is_empty() {
        for variant in ["cooperative", "halo", "halo_x3"].map(conv) {
            assert!(variant.missing(gpu).unwrap().contains("matrix units"));
        }
    }
}

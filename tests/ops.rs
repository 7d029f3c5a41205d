//! Every operation and variant against its f64 reference; every backward pass, too; and the
//! references' backward passes against finite differences of the references.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use impasto::gpu::{Gpu, Layout, Shape, Tensor, Use};
use impasto::graph::{Graph, NodeId, Op, Program};
use impasto::ops::case::{Array, Case, distance, numbers, to_f32};
use impasto::ops::{Mse, OPERATIONS, WeightedSum};
use proptest::collection::vec;
use proptest::prelude::*;

fn inputs_of(case: &Case) -> Vec<Array> {
    case.inputs.iter().enumerate().map(|(i, shape)| numbers(100 + i as u64, shape.len())).collect()
}

fn upload(gpu: &Gpu, case: &Case, inputs: &[Array]) -> Vec<Tensor> {
    let pairs = case.inputs.iter().zip(inputs);
    pairs.map(|(shape, x)| gpu.upload(*shape, &to_f32(x), Use::Activations, "input").unwrap()).collect()
}

/// The operation alone in a graph, differentiated with respect to input `with_respect_to`.
fn compile(
    gpu: &Gpu,
    case: &Case,
    op: Box<dyn Op>,
    tensors: &[Tensor],
    wrt: Option<usize>,
) -> (Program, NodeId) {
    let mut graph = Graph::new();
    let leaves: Vec<NodeId> = case.inputs.iter().map(|shape| graph.leaf("x", *shape)).collect();
    let node = graph.apply(op.name(), op, &leaves);
    let plan = graph.plan(&[node], wrt.map(|k| (node, leaves[k])));
    let bound: Vec<_> = leaves.into_iter().zip(tensors.iter().cloned()).collect();
    (graph.compile(gpu, &plan, &bound).unwrap(), node)
}

/// Channels past the end and numbers past the end must be zero, for the next kernel relies on it.
fn assert_padding_is_zero(gpu: &Gpu, tensor: &Tensor, label: &str) {
    let shape = tensor.shape();
    let packed = gpu.read_padded(tensor).unwrap();
    let is_padding = |i: usize| match shape.layout {
        Layout::Planar => i >= shape.len(),
        Layout::Blocked => {
            let channel = i / 4 / shape.positions() as usize * 4 + i % 4;
            channel >= shape.channels as usize
        }
    };
    let bytes = shape.bytes() as usize / 4;
    let wrong = packed[..bytes].iter().enumerate().find(|(i, v)| is_padding(*i) && **v != 0.0);
    assert!(wrong.is_none(), "{label}: padding holds {wrong:?}");
}

/// What is wrong with an operation on this device, if anything. A variant that the device lacks
/// something for is left out.
fn check(gpu: &Gpu, case: &Case) -> Result<(), String> {
    let Some(op) = (case.build)(gpu).unwrap() else {
        return Ok(());
    };
    let inputs = inputs_of(case);
    let tensors = upload(gpu, case, &inputs);
    let want = (case.reference)(&inputs);
    let d_out = numbers(7, want.len());
    let want_gradients = (case.reference_backward)(&inputs, &d_out);
    let mut op = Some(op);
    for (wrt, want_gradient) in want_gradients.iter().enumerate() {
        let op = op.take().unwrap_or_else(|| (case.build)(gpu).unwrap().unwrap());
        let differentiable = op.differentiable(wrt);
        let (program, node) = compile(gpu, case, op, &tensors, differentiable.then_some(wrt));
        if let Some((_, seed)) = program.loss() {
            gpu.write(seed, &to_f32(&d_out));
        }
        gpu.submit(&[&program.forward, &program.backward]).unwrap();
        if wrt == 0 {
            let error = distance(&gpu.read(program.value(node)).unwrap(), &want);
            if error > case.tolerance {
                return Err(format!("{}: forward is off by {error:.1e}", case.label));
            }
            assert_padding_is_zero(gpu, program.value(node), &case.label);
        }
        if differentiable {
            let gradient = program.gradient().unwrap();
            let error = distance(&gpu.read(gradient).unwrap(), want_gradient);
            if error > case.tolerance {
                return Err(format!("{}: backward to input {wrt} is off by {error:.1e}", case.label));
            }
            assert_padding_is_zero(gpu, gradient, &case.label);
        }
    }
    Ok(())
}

#[test]
fn every_operation_agrees_with_its_reference() {
    for operation in &OPERATIONS {
        let cases = (operation.cases)();
        let mut of_variant = BTreeMap::new();
        for case in &cases {
            *of_variant.entry(case.label.split(' ').next()).or_insert(0) += 1;
        }
        assert!(of_variant.values().all(|count| *count >= 12), "too few cases: {of_variant:?}");
        cases.iter().for_each(|case| check(common::gpu(), case).unwrap());
    }
}

/// Without bounds checks, as users run them, the same kernels give the same answers.
#[test]
fn kernels_without_checks_agree_with_their_references() {
    for operation in OPERATIONS.iter().filter(|o| o.shaders.iter().any(|s| s.unchecked)) {
        (operation.cases)().iter().for_each(|case| check(common::fast_gpu(), case).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the sizes, within some dozens.
    #[test]
    fn operations_agree_with_their_references_on_random_shapes(drawn in vec(any::<u32>(), 48)) {
        for operation in &OPERATIONS {
            let mut drawn = drawn.iter().cycle();
            let mut draw = |low: u32, high: u32| low + drawn.next().unwrap() % (high - low + 1);
            check(common::gpu(), &(operation.random_case)(&mut draw)).map_err(TestCaseError::fail)?;
        }
    }
}

/// A kernel that is wrong in one place fails its cases. The device is a fresh one whose cache of
/// kernels is given the wrong one under the right one's name.
#[test]
fn a_wrong_kernel_fails_its_cases() {
    let wrong = [
        ("relu", "relu/forward", "max(src[i], vec4(0.0))", "max(src[i], vec4(0.001))"),
        ("tv", "tv/forward", "x + 1u < params.width", "x + 2u < params.width"),
        ("gram", "gram/finish", "params.scale * sum", "1.01 * params.scale * sum"),
    ];
    for (operation, kernel, right, replacement) in wrong {
        let gpu = Gpu::open(&Default::default()).unwrap();
        let operation = OPERATIONS.iter().find(|o| o.name == operation).unwrap();
        let shader = operation.shaders.iter().find(|s| s.name == kernel).unwrap();
        common::replace_kernel(&gpu, shader, right, replacement, &[]);
        let failed = (operation.cases)().iter().filter(|case| check(&gpu, case).is_err()).count();
        assert!(failed > 0, "no case noticed that {kernel} is wrong");
    }
}

/// d (sum of d_out * f) / dx by central differences, in f64, against `reference_backward`.
fn gradient_check(case: &Case, step: f64) -> f64 {
    let inputs = inputs_of(case);
    let d_out = numbers(7, (case.reference)(&inputs).len());
    let analytic = (case.reference_backward)(&inputs, &d_out);
    let loss = |inputs: &[Array]| -> f64 {
        (case.reference)(inputs).iter().zip(&d_out).map(|(out, d)| out * d).sum()
    };
    let mut worst: f64 = 0.0;
    for (k, x) in inputs.iter().enumerate() {
        // Some dozens of coordinates tell as much as all of them.
        for i in (0..x.len()).step_by(1 + x.len() / 40) {
            let shifted = |by: f64| {
                let mut inputs = inputs.clone();
                inputs[k][i] += by;
                loss(&inputs)
            };
            let numeric = (shifted(step) - shifted(-step)) / (2.0 * step);
            worst = worst.max((numeric - analytic[k][i]).abs() / (1.0 + numeric.abs()));
        }
    }
    worst
}

#[test]
fn reference_gradients_agree_with_finite_differences() {
    for case in OPERATIONS.iter().flat_map(|operation| (operation.cases)()) {
        let error = gradient_check(&case, 1e-6);
        assert!(error < 1e-6, "{}: off by {error:.1e}", case.label);
    }
}

#[test]
fn the_gradient_check_fails_where_it_must() {
    let cases = (OPERATIONS.iter().find(|o| o.name == "gram").unwrap().cases)();
    let case = cases.into_iter().find(|case| case.label.contains("17x")).unwrap();
    let Case { reference_backward, .. } = case;
    let wrong = Case {
        reference_backward: Box::new(move |x, d| {
            let mut gradients = reference_backward(x, d);
            gradients[0][0] += 1e-3;
            gradients
        }),
        ..case
    };
    assert!(gradient_check(&wrong, 1e-6) > 1e-4, "a wrong gradient passed");
}

/// Two consumers of one value: the second backward pass must add to what the first wrote.
#[test]
fn gradients_from_several_consumers_add_up() {
    let gpu = common::gpu();
    for operation in &OPERATIONS {
        let cases = (operation.cases)();
        for case in cases.iter().filter(|case| case.inputs.len() == 1).step_by(3) {
            let inputs = inputs_of(case);
            let tensors = upload(gpu, case, &inputs);
            let gradient = |consumers: usize| -> Option<Vec<f32>> {
                let mut graph = Graph::new();
                let leaf = graph.leaf("x", case.inputs[0]);
                let mut losses = vec![];
                for _ in 0..consumers {
                    let node = graph.apply("op", (case.build)(gpu).unwrap()?, &[leaf]);
                    let shape: Shape = graph.shape(node);
                    let target = gpu.upload(shape, &vec![0.25; shape.len()], Use::Targets, "t").unwrap();
                    losses.push(graph.apply("mse", Box::new(Mse::new(target)), &[node]));
                }
                let sum = WeightedSum { weights: vec![1.0; consumers] };
                let loss = graph.apply("sum", Box::new(sum), &losses);
                let plan = graph.plan(&[], Some((loss, leaf)));
                let program = graph.compile(gpu, &plan, &[(leaf, tensors[0].clone())]).unwrap();
                gpu.submit(&[&program.forward, &program.backward]).unwrap();
                Some(gpu.read(program.gradient().unwrap()).unwrap())
            };
            let (Some(one), Some(two)) = (gradient(1), gradient(2)) else { continue };
            let doubled: Vec<f64> = one.iter().map(|d| 2.0 * f64::from(*d)).collect();
            let error = distance(&two, &doubled);
            assert!(error < 1e-5, "{}: off by {error:.1e}", case.label);
        }
    }
}

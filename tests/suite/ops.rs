//! Every operation and variant against its f64 reference; every backward pass, too; and the
//! references' backward passes against finite differences of the references.

use std::collections::BTreeMap;

use crate::common;
use impasto::gpu::{Gpu, Shape, Use};
use impasto::graph::{Differentiate, Graph, Request};
use impasto::ops::case::{Array, Case, distance, numbers, to_f32};
use impasto::ops::{Deviation, Mse, OPERATIONS, WeightedSum};
use proptest::collection::vec;
use proptest::prelude::*;

/// What is wrong with an operation on this device, if anything. A variant that the device lacks
/// something for is left out.
fn check(gpu: &Gpu, case: &Case) -> Result<(), String> {
    let Some(Deviation { forward, backward, padding_is_zero }) = case.check(gpu).unwrap() else {
        return Ok(());
    };
    // Written so that NaN is caught.
    if !(forward <= case.tolerance && backward <= case.tolerance) {
        return Err(format!("{}: off by {forward:.1e} forward, {backward:.1e} backward", case.label));
    }
    if !padding_is_zero {
        return Err(format!("{}: the padding is not zero", case.label));
    }
    Ok(())
}

#[test]
fn every_operation_agrees_with_its_reference() {
    for operation in &OPERATIONS {
        let cases = (operation.cases)();
        let mut of_rung = BTreeMap::new();
        for case in &cases {
            *of_rung.entry(case.rung).or_insert(0) += 1;
        }
        assert!(of_rung.values().all(|count| *count >= 12), "too few cases: {of_rung:?}");
        cases.iter().for_each(|case| check(common::gpu(), case).unwrap());
    }
}

/// Without bounds checks, as users run them, the same kernels give the same answers.
#[test]
fn kernels_without_checks_agree_with_their_references() {
    for operation in OPERATIONS.iter().filter(|o| (o.shaders)().iter().any(|s| s.unchecked)) {
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
        ("relu", "relu/forward", "max(src[i], vec4(0.0))", "max(src[i], vec4(0.001))", &[][..]),
        ("tone", "tone/forward", "let reach = params.cell / 2u", "let reach = params.cell / 4u", &[]),
        ("tone", "tone/backward", "first + vec2(1, 0)", "first", &[("ACCUMULATE", 0.0)]),
        ("tv", "tv/forward", "x + 1u < params.width", "x + 2u < params.width", &[]),
        ("matmul", "matmul/6_padded", "column + column / 32u", "column + column / 33u", &[]),
        (
            "matmul",
            "matmul/8_turns",
            "let next = load_share(tile_row, tile_column, first +",
            "let next = load_share(tile_row, tile_column, 4u + first +",
            &[],
        ),
        ("largest", "largest/5_two_passes", "first += grid.x * SHARE", "first += 2u * grid.x * SHARE", &[]),
        ("softmax", "softmax/2_rows", "var most = LOWEST;", "var most = 0.0;", &[]),
        ("softmax", "softmax/3_online", "sum = sum * exp(most - x) + 1.0;", "sum += 1.0;", &[]),
        ("gram", "gram/finish", "params.scale * sum", "1.01 * params.scale * sum", &[("SHARES", 1.0)]),
        ("gram", "gram/finish", "other < SHARES", "other + 1u < SHARES", &[("SHARES", 16.0)]),
    ];
    for (operation, kernel, right, replacement, overrides) in wrong {
        let gpu = common::open(Default::default());
        let operation = OPERATIONS.iter().find(|o| o.name == operation).unwrap();
        common::replace_kernel(&gpu, common::shader(kernel), right, replacement, overrides);
        let failed = (operation.cases)().iter().filter(|case| check(&gpu, case).is_err()).count();
        assert!(failed > 0, "no case noticed that {kernel} is wrong");
    }
}

/// d (sum of d_out * f) / dx by central differences, in f64, against `reference_backward`.
fn gradient_check(case: &Case, step: f64) -> f64 {
    let inputs = case.numbers();
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
    // The backward pass of the one left out is no derivative on purpose.
    let operations = OPERATIONS.iter().filter(|operation| operation.name != "l1_gradient");
    for case in operations.flat_map(|operation| (operation.cases)()) {
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
        for case in cases.iter().step_by(3) {
            let inputs = case.numbers();
            let gradient = |consumers: usize| -> Option<Vec<f32>> {
                let (mut graph, mut leaves) = (Graph::new(), vec![]);
                for (shape, values) in case.inputs.iter().zip(&inputs) {
                    let x = gpu.upload(*shape, &to_f32(values), Use::Activations, "x").unwrap();
                    leaves.push((graph.leaf("x", *shape), x));
                }
                let nodes: Vec<_> = leaves.iter().map(|(node, _)| *node).collect();
                let mut losses = vec![];
                for _ in 0..consumers {
                    let op = (case.build)(gpu).unwrap()?;
                    if !op.differentiable(0) {
                        return None;
                    }
                    let node = graph.apply("op", op, &nodes);
                    let shape: Shape = graph.shape(node);
                    let target = gpu.upload(shape, &vec![0.25; shape.len()], Use::Targets, "t").unwrap();
                    let target_leaf = graph.leaf("target", shape);
                    losses.push(graph.apply("mse", Box::new(Mse), &[node, target_leaf]));
                    leaves.push((target_leaf, target));
                }
                let sum = WeightedSum { weights: vec![1.0; consumers] };
                let loss = graph.apply("sum", Box::new(sum), &losses);
                let differentiate = Some(Differentiate { outputs: vec![loss], input: nodes[0] });
                let plan = graph.plan(Request { differentiate, ..Request::default() });
                let program = graph.compile(gpu, &plan, &leaves).unwrap();
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

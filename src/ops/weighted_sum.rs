//! A weighted sum of tensors of one shape: the total of the losses, the mean of bands' Gram matrices.

use super::case::Case;
use crate::error::Result;
use crate::gpu::{Launch, Precision, Recording, ScratchSize, Shader, Shape, Tensor, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static FORWARD: Shader = shader!("weighted_sum/forward");
static BACKWARD: Shader = shader!("weighted_sum/backward");

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&FORWARD, &BACKWARD]
}

/// Terms of one launch: with one more tensor they are the eight storage buffers that every device can bind.
const TERMS: usize = 7;
const WEIGHT_NAMES: [&str; TERMS] =
    ["weight0", "weight1", "weight2", "weight3", "weight4", "weight5", "weight6"];
const TERM_NAMES: [&str; TERMS] = ["term0", "term1", "term2", "term3", "term4", "term5", "term6"];
const D_TERM_NAMES: [&str; TERMS] =
    ["d_term0", "d_term1", "d_term2", "d_term3", "d_term4", "d_term5", "d_term6"];

/// Binds `tensors` and sets their weights; the bindings that are left get the tensors of `idle`.
fn with_terms<'a>(
    mut launch: Launch<'a>,
    names: &[&'static str; TERMS],
    terms: impl ExactSizeIterator<Item = (&'a Tensor, f32)>,
    idle: impl Iterator<Item = &'a Tensor>,
) -> Launch<'a> {
    for ((name, weight_name), (tensor, weight)) in
        names.iter().zip(WEIGHT_NAMES).zip(terms.chain(idle.map(|tensor| (tensor, 0.0))))
    {
        launch = launch.bind(name, tensor).set(weight_name, weight);
    }
    launch
}

/// `sum of weights[k] * inputs[k]`, each of the same shape. Inputs of weight 0 are counted (so that a
/// NaN among them is seen) but not differentiated, which spares their whole backward pass.
#[derive(Debug)]
pub struct WeightedSum {
    /// One for each input.
    pub weights: Vec<f32>,
}

impl Op for WeightedSum {
    fn name(&self) -> &'static str {
        "weighted_sum"
    }

    fn output_shape(&self, inputs: &[Shape]) -> Shape {
        debug_assert!(inputs.len() == self.weights.len() && inputs.iter().all(|input| *input == inputs[0]));
        inputs[0]
    }

    fn backward_reads(&self) -> Reads {
        Reads::default()
    }

    fn differentiable(&self, input: usize) -> bool {
        self.weights[input] != 0.0
    }

    fn scratch(&self, _inputs: &[Shape]) -> ScratchSize {
        // For bindings that a launch leaves over: no two of those that are written may be one tensor.
        ScratchSize { buffers: vec![Shape::scalar(); TERMS - 1], textures: vec![] }
    }

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        let shape = io.output.shape();
        let weighted: Vec<_> = io.inputs.iter().copied().zip(self.weights.iter().copied()).collect();
        for (n, terms) in weighted.chunks(TERMS).enumerate() {
            let overrides = [("TERMS", terms.len() as f64), ("ACCUMULATE", f64::from(u8::from(n > 0)))];
            let kernel = recording.gpu().kernel(&FORWARD, &overrides)?;
            let launch = recording.launch(&kernel, io.label).bind("dst", io.output);
            let idle = std::iter::repeat(terms[0].0);
            let launch = with_terms(launch, &TERM_NAMES, terms.iter().copied(), idle);
            launch.flops_each(2, terms.len() * shape.len()).elements(shape.vectors())?;
        }
        Ok(())
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        let shape = io.d_output.shape();
        let wanted = io.d_inputs.iter().zip(&self.weights);
        let wanted: Vec<_> =
            wanted.filter_map(|(d_input, weight)| Some((d_input.as_ref()?, *weight))).collect();
        for terms in wanted.chunks(TERMS) {
            let kernel = recording.gpu().kernel(&BACKWARD, &[("TERMS", terms.len() as f64)])?;
            let bits = terms.iter().enumerate().map(|(k, (gradient, _))| u32::from(gradient.accumulate) << k);
            let launch = recording.launch(&kernel, io.label).bind("d_total", io.d_output);
            let launch = launch.set("accumulate", bits.sum::<u32>());
            let gradients = terms.iter().map(|(gradient, weight)| (&gradient.tensor, *weight));
            let launch = with_terms(launch, &D_TERM_NAMES, gradients, io.scratch.buffers.iter());
            launch.flops_each(1, terms.len() * shape.len()).elements(shape.vectors())?;
        }
        Ok(())
    }
}

pub(super) fn cases() -> Vec<Case> {
    let all: [&[f32]; 12] = [
        &[1.0],
        &[-2.5],
        &[1.0, 1000.0],
        &[0.5, 0.0, 3.0],
        &[1e-3, 1e3],
        &[2.0; 5],
        &[0.1, 0.2, 0.3, 0.4],
        &[7.0; 17],
        &[0.0, 1.0],
        &[1.0, 0.0],
        &[3.0, -3.0, 1.0],
        &[1.0; 33],
    ];
    let matrices = [(3, vec![0.25, 0.75]), (64, vec![0.5, 0.3, 0.2]), (65, vec![1.0])];
    let scalars = all.into_iter().map(|weights| case(Shape::scalar(), weights.to_vec()));
    scalars.chain(matrices.map(|(n, weights)| case(Shape::blocked(n, 1, n), weights))).collect()
}

pub(super) fn random_case(draw: &mut dyn FnMut(u32, u32) -> u32) -> Case {
    let (terms, n) = (draw(1, 20), draw(1, 30));
    let shape = if draw(0, 1) == 0 { Shape::scalar() } else { Shape::blocked(n, 1, n) };
    case(shape, (0..terms).map(|_| draw(0, 8) as f32 - 4.0).chain([1.0]).collect())
}

fn case(shape: Shape, weights: Vec<f32>) -> Case {
    let (forward, backward) = (weights.clone(), weights.clone());
    Case {
        label: format!("weighted_sum of {} terms of {shape}, first {}", weights.len(), weights[0]),
        rung: "weighted_sum",
        precision: Precision::F32,
        magnitude: 1.0,
        inputs: vec![shape; weights.len()],
        build: Box::new(move |_| Ok(Some(Box::new(WeightedSum { weights: weights.clone() })))),
        reference: Box::new(move |x| {
            let at = |i: usize| x.iter().zip(&forward).map(|(x, w)| x[i] * f64::from(*w)).sum();
            (0..x[0].len()).map(at).collect()
        }),
        reference_backward: Box::new(move |_, d| {
            backward.iter().map(|w| d.iter().map(|d| d * f64::from(*w)).collect()).collect()
        }),
        tolerance: 1e-5,
    }
}

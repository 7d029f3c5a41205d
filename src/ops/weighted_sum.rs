//! A weighted sum of tensors of one shape: the total of the losses, the mean of bands' Gram matrices.

use super::case::Case;
use crate::error::Result;
use crate::gpu::{Precision, Recording, Shader, Shape, shader};
use crate::graph::{Backward, Forward, Op, Reads};

static SCALE: Shader = shader!("weighted_sum/scale");

/// Every kernel that it may launch.
pub(super) fn shaders() -> Vec<&'static Shader> {
    vec![&SCALE]
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

    fn forward(&self, recording: &mut Recording, io: &Forward) -> Result<()> {
        for (k, (term, weight)) in io.inputs.iter().zip(&self.weights).enumerate() {
            let overrides = [("ACCUMULATE", f64::from(u8::from(k > 0)))];
            let kernel = recording.gpu().kernel(&SCALE, &overrides)?;
            let launch = recording.launch(&kernel, io.label).bind("src", term).bind("dst", io.output);
            let shape = io.output.shape();
            launch.set("weight", *weight).flops_each(2, shape.len()).elements(shape.vectors())?;
        }
        Ok(())
    }

    fn backward(&self, recording: &mut Recording, io: &Backward) -> Result<()> {
        for (d_input, weight) in io.d_inputs.iter().zip(&self.weights) {
            let Some(d_input) = d_input else { continue };
            let kernel = recording.gpu().kernel(&SCALE, &d_input.overrides())?;
            let launch = recording.launch(&kernel, io.label).bind("src", io.d_output);
            let launch = launch.bind("dst", &d_input.tensor).set("weight", *weight);
            let shape = io.d_output.shape();
            launch.flops_each(1, shape.len()).elements(shape.vectors())?;
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

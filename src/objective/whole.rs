//! The objective of an image in one piece.

use std::collections::BTreeMap;

use super::loss_graph::LossGraph;
use super::term::TermWeights;
use super::{Losses, Settings, Targets, Term};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Tensor, Use};
use crate::graph::{Activations, NodeId, Program};
use crate::vgg19::Network;

/// The objective on a device, for images of one size. Submit `program().forward`, then `program().backward`, to compute
/// the losses and the gradient at `x`.
#[derive(Debug)]
pub struct Objective {
    weights: TermWeights,
    x: Tensor,
    program: Program,
    terms: BTreeMap<Term, NodeId>,
    gradient: Tensor,
}

impl Objective {
    /// Label of the image in the graph.
    pub const VARIABLE: &str = "x";

    /// Builds the graph, plans its memory and records both passes. `x` starts as zeros: the mean colour.
    ///
    /// # Errors
    /// As [`Settings::check`]; [`Error::Gpu`], [`Error::TooLarge`] or [`Error::OutOfMemory`] if a tensor cannot be
    /// allocated or a kernel cannot be compiled.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        targets: &Targets,
        activations: Activations,
    ) -> Result<Self> {
        settings.check()?;
        let (shape, parts) = (targets.shape(), targets.parts());
        let x = gpu.upload(shape, &vec![0.0; shape.len()], Use::Optimizer, "x")?;
        let losses = LossGraph::new(gpu, network, settings, parts, shape)?;
        let mut leaves = vec![(losses.x, x.clone())];
        for (node, constant) in &losses.constants {
            leaves.push((*node, targets.constant(gpu, *constant)?));
        }
        let program = losses.graph.compile(gpu, &losses.plan(activations), &leaves)?;
        let gradient = program
            .gradient()
            .cloned()
            .ok_or_else(|| Error::gpu("the objective", "the graph has no gradient"))?;
        let weights = TermWeights::new(settings, parts, shape);
        Ok(Self { weights, x, program, terms: losses.terms, gradient })
    }

    /// The image at which the loss is evaluated: planar `[3, h, w]`, B, G, R in 0..255 minus the mean colour.
    pub fn x(&self) -> &Tensor {
        &self.x
    }

    /// The recorded passes.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// d total / d x, of the shape of `x`, after a backward pass.
    pub fn gradient(&self) -> &Tensor {
        &self.gradient
    }

    /// The total loss, one number, after a forward pass.
    pub fn total(&self) -> &Tensor {
        self.program.value(self.terms[&Term::Total])
    }

    /// The total and every term before its weight, one number each, after a forward pass.
    pub fn terms(&self) -> impl Iterator<Item = (Term, &Tensor)> {
        self.terms.iter().map(|(term, node)| (*term, self.program.value(*node)))
    }

    /// The losses from the numbers read from [`terms`](Self::terms).
    pub fn losses(&self, values: impl IntoIterator<Item = (Term, f32)>) -> Losses {
        let values = values.into_iter().map(|(term, value)| (term, f64::from(value)));
        Losses::new(&self.weights, &values.collect())
    }

    /// Evaluates the loss and its gradient once and waits for both. The gradient is in [`gradient`](Self::gradient).
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn evaluate(&self, gpu: &Gpu) -> Result<Losses> {
        gpu.submit(&[&self.program.forward, &self.program.backward])?;
        let values = self.terms().map(|(term, tensor)| Ok((term, gpu.read(tensor)?[0])));
        Ok(self.losses(values.collect::<Result<Vec<_>>>()?))
    }
}

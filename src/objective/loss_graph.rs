//! The objective of a whole image as a graph: planned and compiled, or only planned for a memory estimate.

use std::collections::BTreeMap;

use super::loss_terms::{Constant, StyleNode, TermBuilder, TermNodes};
use super::term::TermWeights;
use super::{Objective, Parts, Settings, Term, tone};
use crate::error::Result;
use crate::gpu::{Gpu, Shape};
use crate::graph::{Activations, Differentiate, Graph, MemoryPlan, NodeId, Request};
use crate::ops::{Mse, TotalVariation, WeightedSum};
use crate::vgg19::Network;

/// The graph of the loss.
pub(super) struct LossGraph {
    pub graph: Graph,
    /// The image.
    pub x: NodeId,
    /// The terms before their weights, and the total.
    pub terms: BTreeMap<Term, NodeId>,
    /// Leaves other than the image.
    pub constants: Vec<(NodeId, Constant)>,
}

impl LossGraph {
    /// The network and every term, for an image of this shape.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        parts: &Parts,
        image: Shape,
    ) -> Result<Self> {
        let mut graph = Graph::new();
        let x = graph.leaf(Objective::VARIABLE, image);
        let mut builder = TermBuilder::new(gpu, network, settings, parts, StyleNode::Error);
        let visit = |graph: &mut Graph, layer, piece| builder.visit(graph, layer, piece);
        network.walk_in_bands(&mut graph, x, &settings.layers(), visit)?;
        let TermNodes { mut terms, mut constants, .. } = builder.finish();
        if settings.has_tone() {
            let operation = tone::operation(image);
            let [weights, target] = [Constant::ToneWeights, Constant::Tone].map(|constant| {
                let leaf = graph.leaf("constant", operation.windows(image));
                constants.push((leaf, constant));
                leaf
            });
            let tones = graph.apply("tone", Box::new(operation), &[x, weights]);
            terms.insert(Term::Tone, graph.apply("tone", Box::new(Mse), &[tones, target]));
        }
        terms.insert(Term::TotalVariation, graph.apply("tv", Box::new(TotalVariation), &[x]));
        let weights = TermWeights::new(settings, parts, image);
        let weighted = terms.iter().map(|(term, node)| (*node, weights.weight(*term)));
        let (nodes, weights): (Vec<_>, Vec<_>) = weighted.unzip();
        terms.insert(Term::Total, graph.apply("total", Box::new(WeightedSum { weights }), &nodes));
        Ok(Self { graph, x, terms, constants })
    }

    /// The memory plan of a program that computes every term, and the gradient of the total with respect to the image.
    pub fn plan(&self, activations: Activations) -> MemoryPlan {
        let differentiate = Some(Differentiate { outputs: vec![self.terms[&Term::Total]], input: self.x });
        self.graph.plan(Request { keep: self.terms.values().copied().collect(), differentiate, activations })
    }
}

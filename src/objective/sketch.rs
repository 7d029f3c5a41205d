//! The objective as a graph, before any memory is taken: what a plan is made from, and then a program.

use super::parts::mask_shape;
use super::{Parts, Settings};
use crate::error::Result;
use crate::gpu::{Gpu, Shape};
use crate::graph::{Graph, NodeId};
use crate::ops::{Gram, Mask, Mse, TotalVariation, WeightedSum};
use crate::vgg19::{LayerId, Network};

/// A constant of the graph, to be given when it is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Constant {
    /// The content image's activations.
    Content(LayerId),
    /// The content's region.
    ContentMask(LayerId),
    /// The Gram matrix that a part of the style term asks for.
    Gram(LayerId, usize),
    /// That part's region.
    StyleMask(LayerId, usize),
}

/// See the module.
pub(super) struct Sketch {
    pub graph: Graph,
    /// The picture.
    pub x: NodeId,
    /// The total, the content terms, the style terms by layer and part, the total variation.
    pub terms: Vec<NodeId>,
    /// Leaves other than the picture.
    pub constants: Vec<(NodeId, Constant)>,
}

impl Sketch {
    /// The network and every term, for a picture of this shape.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        parts: &Parts,
        picture: Shape,
    ) -> Result<Self> {
        let mut graph = Graph::new();
        let x = graph.leaf("x", picture);
        let mut sketch = Self { graph, x, terms: vec![], constants: vec![] };
        let mut weights = vec![];
        let features = network.features(&mut sketch.graph, x, &settings.layers());
        for (layer, weight) in settings.content_layers.iter() {
            let mask = parts.content_region.is_some().then_some(Constant::ContentMask(layer));
            let node = sketch.masked(features[&layer], mask);
            sketch.compare(&format!("content {layer}"), node, Constant::Content(layer));
            let scale = settings.scaling.content(sketch.graph.shape(node));
            weights.push(settings.content_weight * weight * scale);
        }
        for (layer, weight) in settings.style_layers.iter() {
            for (i, part) in parts.styles.iter().enumerate() {
                let mask = part.region.is_some().then_some(Constant::StyleMask(layer, i));
                let node = sketch.masked(features[&layer], mask);
                let gram = Gram::new(gpu, network.kernels().gram(layer), layer.channels() as u32)?;
                let gram = sketch.graph.apply(&format!("gram {layer}"), Box::new(gram), &[node]);
                sketch.compare(&format!("style {layer}"), gram, Constant::Gram(layer, i));
                let scale = settings.scaling.style(sketch.graph.shape(node));
                weights.push(settings.style_weight * weight * scale * part.share);
            }
        }
        sketch.terms.push(sketch.graph.apply("tv", Box::new(TotalVariation), &[x]));
        weights.push(settings.tv_weight);
        let total = sketch.graph.apply("total", Box::new(WeightedSum { weights }), &sketch.terms);
        sketch.terms.insert(0, total);
        Ok(sketch)
    }

    /// Adds the term of a value and its goal.
    fn compare(&mut self, label: &str, node: NodeId, goal: Constant) {
        let goal = self.constant(self.graph.shape(node), goal);
        self.terms.push(self.graph.apply(label, Box::new(Mse), &[node, goal]));
    }

    /// Features times a mask; as they are without one.
    fn masked(&mut self, node: NodeId, mask: Option<Constant>) -> NodeId {
        let Some(mask) = mask else { return node };
        let mask = self.constant(mask_shape(self.graph.shape(node)), mask);
        self.graph.apply("mask", Box::new(Mask), &[node, mask])
    }

    fn constant(&mut self, shape: Shape, constant: Constant) -> NodeId {
        let leaf = self.graph.leaf("constant", shape);
        self.constants.push((leaf, constant));
        leaf
    }
}

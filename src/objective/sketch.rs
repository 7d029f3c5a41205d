//! The objective as a graph, before any memory is taken: what a plan is made from, and then a program.

use super::parts::mask_shape;
use super::{Objective, Parts, Settings};
use crate::error::{Error, Result};
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
        let x = graph.leaf(Objective::VARIABLE, picture);
        let (mut constants, mut contents, mut styles) = (vec![], vec![], vec![]);
        network.walk(&mut graph, x, &settings.layers(), |graph, layer, features| {
            let mut builder = Builder { graph, constants: &mut constants };
            let (content, style) = (&settings.content_layers, &settings.style_layers);
            if content.contains(layer) {
                let mask = parts.content_region.is_some().then_some(Constant::ContentMask(layer));
                let node = builder.masked(features, mask);
                let term = builder.compare(&format!("content {layer}"), node, Constant::Content(layer));
                let scale = settings.scaling.content(builder.graph.shape(node));
                contents.push((term, settings.content_weight * content.weight(layer) * scale));
            }
            for (i, part) in parts.styles.iter().enumerate().filter(|_| style.contains(layer)) {
                let mask = part.region.is_some().then_some(Constant::StyleMask(layer, i));
                let node = builder.masked(features, mask);
                let gram = builder.gram(gpu, network, layer, node)?;
                let term = builder.compare(&format!("style {layer}"), gram, Constant::Gram(layer, i));
                let scale = settings.scaling.style(builder.graph.shape(node));
                styles.push((term, settings.style_weight * style.weight(layer) * scale * part.share));
            }
            Ok::<(), Error>(())
        })?;
        let tv = graph.apply("tv", Box::new(TotalVariation), &[x]);
        let (mut terms, weights): (Vec<_>, Vec<_>) =
            contents.into_iter().chain(styles).chain([(tv, settings.tv_weight)]).unzip();
        terms.insert(0, graph.apply("total", Box::new(WeightedSum { weights }), &terms));
        Ok(Self { graph, x, terms, constants })
    }
}

/// What terms are built with.
pub(super) struct Builder<'a> {
    pub graph: &'a mut Graph,
    pub constants: &'a mut Vec<(NodeId, Constant)>,
}

impl Builder<'_> {
    /// The mean squared error of a value against its goal.
    pub fn compare(&mut self, label: &str, node: NodeId, goal: Constant) -> NodeId {
        let goal = self.constant(self.graph.shape(node), goal);
        self.graph.apply(label, Box::new(Mse), &[node, goal])
    }

    /// Features times a mask; as they are without one.
    pub fn masked(&mut self, node: NodeId, mask: Option<Constant>) -> NodeId {
        let Some(mask) = mask else { return node };
        let mask = self.constant(mask_shape(self.graph.shape(node)), mask);
        self.graph.apply("mask", Box::new(Mask), &[node, mask])
    }

    /// The Gram matrix of a layer's features.
    pub fn gram(&mut self, gpu: &Gpu, network: &Network, layer: LayerId, node: NodeId) -> Result<NodeId> {
        let gram = Gram::new(gpu, network.kernels().gram(layer), layer.channels() as u32)?;
        Ok(self.graph.apply(&format!("gram {layer}"), Box::new(gram), &[node]))
    }

    fn constant(&mut self, shape: Shape, constant: Constant) -> NodeId {
        let leaf = self.graph.leaf("constant", shape);
        self.constants.push((leaf, constant));
        leaf
    }
}

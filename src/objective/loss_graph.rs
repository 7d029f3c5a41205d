//! The objective as a graph, before any memory is taken: what a plan is made from, and then a program.

use std::collections::BTreeMap;

use super::parts::mask_shape;
use super::{Objective, Parts, Settings};
use crate::error::Result;
use crate::gpu::{Gpu, Shape};
use crate::graph::{Activations, Differentiate, Graph, MemoryPlan, NodeId, Request};
use crate::ops::variants::TunedOp;
use crate::ops::{Gram, Mask, Mse, TotalVariation, WeightedSum};
use crate::vgg19::{LayerId, Network, Piece, Pieces};

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
pub(super) struct LossGraph {
    pub graph: Graph,
    /// The picture.
    pub x: NodeId,
    /// The total, the content terms, the style terms by layer and part, the total variation.
    pub terms: Vec<NodeId>,
    /// Leaves other than the picture.
    pub constants: Vec<(NodeId, Constant)>,
}

impl LossGraph {
    /// The network and every term, for a picture of this shape.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        parts: &Parts,
        image: Shape,
    ) -> Result<Self> {
        let mut graph = Graph::new();
        let x = graph.leaf(Objective::VARIABLE, image);
        let mut terms = Terms::of(gpu, network, settings, parts);
        let visit = |graph: &mut Graph, layer, piece| terms.visit(graph, layer, piece);
        network.walk_in_bands(&mut graph, x, &settings.layers(), visit)?;
        let Terms { constants, contents, styles, .. } = terms;
        let tv = graph.apply("tv", Box::new(TotalVariation), &[x]);
        let (mut terms, weights): (Vec<_>, Vec<_>) =
            contents.into_iter().chain(styles).chain([(tv, settings.tv_weight)]).unzip();
        terms.insert(0, graph.apply("total", Box::new(WeightedSum { weights }), &terms));
        Ok(Self { graph, x, terms, constants })
    }

    /// The memory plan of a program that computes every term, and the gradient of the total with respect to the image.
    pub fn plan(&self, activations: Activations) -> MemoryPlan {
        let differentiate = Some(Differentiate { outputs: vec![self.terms[0]], input: self.x });
        self.graph.plan(Request { keep: self.terms.clone(), differentiate, activations })
    }
}

/// The terms of the layers, as the walk through the network comes by.
struct Terms<'a> {
    gpu: &'a Gpu,
    network: &'a Network,
    settings: &'a Settings,
    parts: &'a Parts,
    constants: Vec<(NodeId, Constant)>,
    /// Terms with their weights.
    contents: Vec<(NodeId, f32)>,
    styles: Vec<(NodeId, f32)>,
    pieces: Pieces,
    grams: LayerGrams,
}

impl<'a> Terms<'a> {
    fn of(gpu: &'a Gpu, network: &'a Network, settings: &'a Settings, parts: &'a Parts) -> Self {
        let (constants, contents, styles) = (vec![], vec![], vec![]);
        let (pieces, grams) = (Pieces::default(), LayerGrams::default());
        Self { gpu, network, settings, parts, constants, contents, styles, pieces, grams }
    }

    /// A piece of a layer. A style that applies everywhere asks each for its Gram matrix; content and regions ask for
    /// the whole layer.
    fn visit(&mut self, graph: &mut Graph, layer: LayerId, piece: Piece) -> Result<()> {
        let Self { gpu, network, settings, parts, .. } = *self;
        let (content, style) =
            (settings.content_layers.contains(layer), settings.style_layers.contains(layer));
        let shape = Shape { height: piece.of, ..graph.shape(piece.node) };
        // The part that applies everywhere is the first, so terms keep the order of the parts.
        if let Some(everywhere) = parts.without_region().filter(|_| style)
            && let Some(gram) = self.grams.add(gpu, network, graph, layer, piece)?
        {
            self.style(graph, layer, everywhere, gram, shape);
        }
        if (content || style && parts.masked() > 0)
            && let Some(whole) = self.pieces.add(graph, layer, piece)
        {
            if content {
                self.content(graph, layer, whole);
            }
            for (i, _) in parts.styles.iter().enumerate().filter(|(_, part)| style && part.region.is_some()) {
                let mut builder = Builder { graph, constants: &mut self.constants };
                let node = builder.masked(whole, Some(Constant::StyleMask(layer, i)));
                let gram = gram(gpu, network, graph, layer, node)?;
                self.style(graph, layer, i, gram, shape);
            }
        }
        Ok(())
    }

    /// The content term of a layer.
    fn content(&mut self, graph: &mut Graph, layer: LayerId, features: NodeId) {
        let Self { settings, parts, .. } = *self;
        let mut builder = Builder { graph, constants: &mut self.constants };
        let mask = parts.content_region.is_some().then_some(Constant::ContentMask(layer));
        let node = builder.masked(features, mask);
        let term = builder.compare(&format!("content {layer}"), node, Constant::Content(layer));
        let scale = settings.scaling.content(graph.shape(node));
        self.contents.push((term, settings.content_weight * settings.content_layers.weight(layer) * scale));
    }

    /// The style term of a layer and a part, from the Gram matrix of features of this shape.
    fn style(&mut self, graph: &mut Graph, layer: LayerId, part: usize, gram: NodeId, features: Shape) {
        let Self { settings, parts, .. } = *self;
        let mut builder = Builder { graph, constants: &mut self.constants };
        let term = builder.compare(&format!("style {layer}"), gram, Constant::Gram(layer, part));
        let weight = settings.style_weight * settings.style_layers.weight(layer);
        self.styles.push((term, weight * settings.scaling.style(features) * parts.styles[part].share));
    }
}

/// Gram matrices of layers that come in pieces: that of the whole is the mean of the pieces', by their rows.
#[derive(Default)]
pub(super) struct LayerGrams(BTreeMap<LayerId, (Vec<NodeId>, Vec<f32>)>);

impl LayerGrams {
    /// The Gram matrix of the next piece, which stands behind it in the graph; with the last one comes that of the
    /// whole layer.
    pub fn add(
        &mut self,
        gpu: &Gpu,
        network: &Network,
        graph: &mut Graph,
        layer: LayerId,
        piece: Piece,
    ) -> Result<Option<NodeId>> {
        let (grams, weights) = self.0.entry(layer).or_default();
        grams.push(gram(gpu, network, graph, layer, piece.node)?);
        weights.push(piece.share());
        Ok(piece.is_last().then(|| match grams[..] {
            [whole] => whole,
            _ => {
                let mean = WeightedSum { weights: weights.clone() };
                graph.apply(&format!("gram {layer}"), Box::new(mean), grams)
            }
        }))
    }
}

/// The Gram matrix of a layer's features, or of a part of them.
pub(super) fn gram(
    gpu: &Gpu,
    network: &Network,
    graph: &mut Graph,
    layer: LayerId,
    node: NodeId,
) -> Result<NodeId> {
    let gram = Gram::new(gpu, network.kernels().of(TunedOp::Gram, layer), layer.channels() as u32)?;
    Ok(graph.apply(&format!("gram {layer}"), Box::new(gram), &[node]))
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

    fn constant(&mut self, shape: Shape, constant: Constant) -> NodeId {
        let leaf = self.graph.leaf("constant", shape);
        self.constants.push((leaf, constant));
        leaf
    }
}

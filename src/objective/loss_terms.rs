//! Builds the loss terms of layers as nodes of a graph: for images in one piece, in bands and in tiles.

use std::collections::BTreeMap;

use super::parts::{Part, mask_shape};
use super::term::strength;
use super::{GradientNormalization, Parts, Settings, Term};
use crate::error::Result;
use crate::gpu::{Gpu, Shape};
use crate::graph::{Graph, NodeId};
use crate::ops::variants::TunedOp;
use crate::ops::{Gram, L1Gradient, Mask, Mse, WeightedSum};
use crate::vgg19::{LayerId, Network, Piece, Pieces};

/// A constant of the graph. Its tensor is given when the graph is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Constant {
    /// The content image's activations.
    Content(LayerId),
    /// Mask of the content's region.
    ContentMask(LayerId),
    /// Target Gram matrix of a part of the style term.
    Gram(LayerId, usize),
    /// Mask of that part's region.
    StyleMask(LayerId, usize),
    /// The tone that each window should have, times its weight.
    Tone,
    /// The factor on each window's tone and target.
    ToneWeights,
}

/// The node of a style term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StyleNode {
    /// Mean squared error of the Gram matrix.
    Error,
    /// The Gram matrix itself: the error is computed once the matrices of all tiles are summed.
    Gram,
}

/// The nodes that a [`TermBuilder`] added.
#[derive(Debug, Default)]
pub(super) struct TermNodes {
    /// The value of each term before its weight; of a style term what [`StyleNode`] says.
    pub terms: BTreeMap<Term, NodeId>,
    /// The features that content terms compare, after the mask.
    pub content_features: BTreeMap<LayerId, NodeId>,
    /// Leaves other than the image.
    pub constants: Vec<(NodeId, Constant)>,
}

/// Adds the loss terms of each layer that a walk through the network visits.
pub(super) struct TermBuilder<'a> {
    gpu: &'a Gpu,
    network: &'a Network,
    settings: &'a Settings,
    parts: &'a Parts,
    style_node: StyleNode,
    pieces: Pieces,
    grams: LayerGrams,
    nodes: TermNodes,
}

impl<'a> TermBuilder<'a> {
    pub fn new(
        gpu: &'a Gpu,
        network: &'a Network,
        settings: &'a Settings,
        parts: &'a Parts,
        style_node: StyleNode,
    ) -> Self {
        let (pieces, grams, nodes) = (Pieces::default(), LayerGrams::default(), TermNodes::default());
        Self { gpu, network, settings, parts, style_node, pieces, grams, nodes }
    }

    pub fn finish(self) -> TermNodes {
        self.nodes
    }

    /// Adds the terms of a layer with its last piece. A style that applies everywhere needs only the Gram matrix of
    /// each piece; content terms, regions and the norm of a gradient need the whole layer.
    pub fn visit(&mut self, graph: &mut Graph, layer: LayerId, piece: Piece) -> Result<()> {
        let Self { gpu, network, settings, parts, .. } = *self;
        let content = settings.content_layers.contains(layer);
        let style = settings.style_layers.contains(layer);
        let normalized = self.normalizes_gradients();
        if let Some(part) = parts.without_region().filter(|_| style && !normalized)
            && let Some(gram) = self.grams.add(gpu, network, graph, layer, piece)?
        {
            self.style_term(graph, layer, part, gram);
        }
        if (content || style && (normalized || parts.masked() > 0))
            && let Some(features) = self.pieces.add(graph, layer, piece)
        {
            if content {
                self.content_term(graph, layer, features);
            }
            let of_whole_layer = |region: bool| style && (normalized || region);
            for (part, Part { share, region, .. }) in
                parts.styles.iter().enumerate().filter(|(_, part)| of_whole_layer(part.region.is_some()))
            {
                let features = self.normalized(graph, features, Term::Style { layer, part }, *share);
                let features = match region {
                    Some(_) => self.masked(graph, features, Constant::StyleMask(layer, part)),
                    None => features,
                };
                let gram = gram(gpu, network, graph, layer, features)?;
                self.style_term(graph, layer, part, gram);
            }
        }
        Ok(())
    }

    fn content_term(&mut self, graph: &mut Graph, layer: LayerId, features: NodeId) {
        let features = self.normalized(graph, features, Term::Content(layer), 1.0);
        let features = match self.parts.content_region {
            Some(_) => self.masked(graph, features, Constant::ContentMask(layer)),
            None => features,
        };
        let error = self.error(graph, &format!("content {layer}"), features, Constant::Content(layer));
        self.nodes.content_features.insert(layer, features);
        self.nodes.terms.insert(Term::Content(layer), error);
    }

    fn style_term(&mut self, graph: &mut Graph, layer: LayerId, part: usize, gram: NodeId) {
        let node = match self.style_node {
            StyleNode::Error => {
                self.error(graph, &format!("style {layer}"), gram, Constant::Gram(layer, part))
            }
            StyleNode::Gram => gram,
        };
        self.nodes.terms.insert(Term::Style { layer, part }, node);
    }

    /// True if gradients of layers are brought to an L1 norm. Gram matrices of styles are computed without gradients.
    fn normalizes_gradients(&self) -> bool {
        self.settings.normalization == GradientNormalization::L1 && self.style_node == StyleNode::Error
    }

    /// The features as they are, from where a term's gradient goes on with an L1 norm of its strength. `share` is the
    /// term's share of that.
    fn normalized(&self, graph: &mut Graph, features: NodeId, term: Term, share: f32) -> NodeId {
        if !self.normalizes_gradients() {
            return features;
        }
        let strength = share * strength(self.settings, term);
        // The gradient that arrives has the strength as a factor already.
        let floor = strength * GradientNormalization::FLOOR;
        graph.apply("gradient norm", Box::new(L1Gradient { strength, floor }), &[features])
    }

    /// The mean squared error of a value against its target.
    fn error(&mut self, graph: &mut Graph, label: &str, node: NodeId, target: Constant) -> NodeId {
        let target = self.constant(graph, graph.shape(node), target);
        graph.apply(label, Box::new(Mse), &[node, target])
    }

    fn masked(&mut self, graph: &mut Graph, features: NodeId, mask: Constant) -> NodeId {
        let mask = self.constant(graph, mask_shape(graph.shape(features)), mask);
        graph.apply("mask", Box::new(Mask), &[features, mask])
    }

    fn constant(&mut self, graph: &mut Graph, shape: Shape, constant: Constant) -> NodeId {
        let leaf = graph.leaf("constant", shape);
        self.nodes.constants.push((leaf, constant));
        leaf
    }
}

/// The Gram matrices of the pieces of layers. The matrix of a layer is their mean, weighted by the pieces' rows.
#[derive(Default)]
struct LayerGrams(BTreeMap<LayerId, (Vec<NodeId>, Vec<f32>)>);

impl LayerGrams {
    /// Adds the Gram matrix of the next piece; with the last piece returns that of the layer.
    fn add(
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
fn gram(gpu: &Gpu, network: &Network, graph: &mut Graph, layer: LayerId, features: NodeId) -> Result<NodeId> {
    let gram = Gram::new(gpu, network.kernels().of(TunedOp::Gram, layer), layer.channels() as u32)?;
    Ok(graph.apply(&format!("gram {layer}"), Box::new(gram), &[features]))
}

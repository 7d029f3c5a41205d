//! The graph of a tile, and the passes that run over it.

use super::geometry::Area;
use super::layout::Workspace;
use crate::error::Result;
use crate::gpu::{Gpu, Shape, Tensor};
use crate::graph::{Activations, Differentiate, Graph, MemoryPlan, NodeId, Program, Request};
use crate::objective::loss_terms::{Constant, StyleNode, TermBuilder, TermNodes};
use crate::objective::term::TermWeights;
use crate::objective::{Objective, Parts, Settings, Term, variable_shape};
use crate::ops::Crop;
use crate::vgg19::{LayerId, Network, Piece};

/// What a program computes of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// The Gram matrices of the core.
    Grams,
    /// The activations of the core at the content layers.
    Features,
    /// The content terms of the core, and the gradient of all terms in the window.
    Gradient,
}

/// The network on the window of a tile, and the loss terms of its core.
pub(super) struct TileGraph {
    /// Columns and rows of the window.
    pub window: [u32; 2],
    /// The core, with the corner of the window as origin.
    pub core: Area,
    /// The terms whose weight is above 0: the outputs that the gradient pass differentiates.
    pub differentiated: Vec<Term>,
    graph: Graph,
    x: NodeId,
    nodes: TermNodes,
}

impl TileGraph {
    /// `weights` are those of the terms of the whole image.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        parts: &Parts,
        weights: &TermWeights,
        window: [u32; 2],
        core: Area,
    ) -> Result<Self> {
        let mut graph = Graph::new();
        let x = graph.leaf(Objective::VARIABLE, variable_shape(window[0], window[1]));
        let mut builder = TermBuilder::new(gpu, network, settings, parts, StyleNode::Gram);
        network.walk(&mut graph, x, &settings.layers(), |graph, layer, node| {
            let node = crop(graph, layer, node, core);
            builder.visit(graph, layer, Piece::whole(graph, node))
        })?;
        let nodes = builder.finish();
        let differentiated = nodes.terms.keys().copied().filter(|term| weights.weight(*term) > 0.0).collect();
        Ok(Self { window, core, differentiated, graph, x, nodes })
    }

    /// The Gram matrix of each style term: layer, part, node.
    pub fn grams(&self) -> impl Iterator<Item = (LayerId, usize, NodeId)> {
        self.nodes.terms.iter().filter_map(|(term, node)| match *term {
            Term::Style { layer, part } => Some((layer, part, *node)),
            _ => None,
        })
    }

    /// The mean squared error of each content layer.
    pub fn content_errors(&self) -> impl Iterator<Item = (LayerId, NodeId)> {
        self.nodes.terms.iter().filter_map(|(term, node)| match *term {
            Term::Content(layer) => Some((layer, *node)),
            _ => None,
        })
    }

    /// The features of each content layer, after the mask of the content's region.
    pub fn content_features(&self) -> impl Iterator<Item = (LayerId, NodeId)> {
        self.nodes.content_features.iter().map(|(layer, node)| (*layer, *node))
    }

    fn leaf_nodes(&self) -> impl Iterator<Item = NodeId> {
        [self.x].into_iter().chain(self.nodes.constants.iter().map(|(node, _)| *node))
    }

    /// Shapes of the window of the image, then of the constants.
    pub fn leaf_shapes(&self) -> Vec<Shape> {
        self.leaf_nodes().map(|node| self.graph.shape(node)).collect()
    }

    pub fn plan(&self, pass: Pass, activations: Activations) -> MemoryPlan {
        let keep: Vec<NodeId> = match pass {
            Pass::Grams => self.grams().map(|(.., node)| node).collect(),
            Pass::Features => self.content_features().map(|(_, node)| node).collect(),
            Pass::Gradient => self.content_errors().map(|(_, node)| node).collect(),
        };
        let outputs: Vec<_> = self.differentiated.iter().map(|term| self.nodes.terms[term]).collect();
        let has_gradient = pass == Pass::Gradient && !outputs.is_empty();
        let differentiate = has_gradient.then_some(Differentiate { outputs, input: self.x });
        self.graph.plan(Request { keep, differentiate, activations })
    }

    /// Records a pass in the memory of a workspace.
    pub fn compile(&self, gpu: &Gpu, pass: Pass, workspace: &Workspace) -> Result<Program> {
        let leaves: Vec<_> = self.leaf_nodes().zip(self.leaves(workspace)).collect();
        let plan = self.plan(pass, workspace.activations);
        self.graph.compile_in(gpu, &plan, &leaves, &workspace.arena)
    }

    /// The tensor of the window of the image.
    pub fn x(&self, workspace: &Workspace) -> Tensor {
        workspace.leaves[0].viewed_as(self.graph.shape(self.x))
    }

    /// The tensors of the constants.
    pub fn constants(&self, workspace: &Workspace) -> Vec<(Constant, Tensor)> {
        let tensors = self.leaves(workspace).into_iter().skip(1);
        self.nodes.constants.iter().map(|(_, constant)| *constant).zip(tensors).collect()
    }

    fn leaves(&self, workspace: &Workspace) -> Vec<Tensor> {
        let views = workspace.leaves.iter().zip(self.leaf_shapes());
        views.map(|(tensor, shape)| tensor.viewed_as(shape)).collect()
    }
}

/// The core of a layer's features.
fn crop(graph: &mut Graph, layer: LayerId, features: NodeId, core: Area) -> NodeId {
    let (shape, Area { left, top, width, height }) = (graph.shape(features), core.at(layer));
    if [shape.width, shape.height] == [width, height] {
        return features;
    }
    graph.apply(&format!("core {layer}"), Box::new(Crop { top, left, height, width }), &[features])
}

//! A picture cut into tiles, with the graph of each kind of tile and the memory that all of them take.

use std::sync::Arc;

use super::super::loss_graph::{Builder, Constant, gram};
use super::super::{Objective, Parts, Settings, variable_shape};
use super::geometry::{Area, Tile, tiles};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, MemoryUse, Shape, Tensor, Use};
use crate::graph::{
    Activations, Arena, ArenaSize, Differentiate, Graph, MemoryPlan, NodeId, Program, Request,
};
use crate::ops::Crop;
use crate::vgg19::{LayerId, Network};

/// What is computed of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// The core's part of each Gram matrix.
    Grams,
    /// The core's activations at the content layers.
    Features,
    /// The core's part of the content terms, and the gradient of all terms in the window.
    Gradient,
}

/// A value of a tile that the objective asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    /// Mean squared error of the core at a content layer.
    Content(LayerId),
    /// Gram matrix of the core at a style layer, for a part of the style term.
    Gram(LayerId, usize),
}

/// A kind of tile: those of one size with the core in one place have one graph.
pub(super) struct Kind {
    /// Columns and rows of the window.
    pub size: [u32; 2],
    /// The core, seen from the corner of the window.
    pub core: Area,
    graph: Graph,
    x: NodeId,
    /// Leaves other than the picture.
    constants: Vec<(NodeId, Constant)>,
    pub terms: Vec<(NodeId, Term)>,
    /// The core's activations at the content layers, times the mask of the content's region.
    pub features: Vec<(NodeId, LayerId)>,
    /// Terms of a weight above 0.
    pub counted: Vec<(NodeId, Term)>,
}

/// The core of a layer's features.
fn crop(graph: &mut Graph, layer: LayerId, node: NodeId, core: Area) -> NodeId {
    let (shape, Area { left, top, width, height }) = (graph.shape(node), core.at(layer));
    if [shape.width, shape.height] == [width, height] {
        return node;
    }
    graph.apply(&format!("core {layer}"), Box::new(Crop { top, left, height, width }), &[node])
}

/// See the module.
pub struct TileLayout {
    /// Each tile and its kind.
    pub(super) tiles: Vec<(Tile, usize)>,
    pub(super) kinds: Vec<Kind>,
    activations: Activations,
}

/// How a picture is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    /// Largest side of a tile's core in pixels.
    pub core: u32,
    /// What becomes of a tile's activations until its backward pass.
    pub activations: Activations,
    /// Whether the content's features stay in the host's memory or are computed again in each evaluation.
    pub content: Activations,
}

impl From<u32> for Tiling {
    /// Tiles with cores of so many pixels that keep all they can.
    fn from(core: u32) -> Self {
        Self { core, activations: Activations::Kept, content: Activations::Kept }
    }
}

/// The leaves and the working memory that all tiles share, one at a time.
pub(super) struct Workspace {
    arena: Arc<Arena>,
    /// The picture's window, then the constants, large enough for each kind.
    leaves: Vec<Tensor>,
    activations: Activations,
}

impl TileLayout {
    /// Cuts a picture of `size` columns and rows.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) when memory runs out.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        parts: &Parts,
        size: [u32; 2],
        tiling: Tiling,
    ) -> Result<Self> {
        let mut kinds: Vec<Kind> = vec![];
        let mut all = vec![];
        for tile in tiles(size[0], size[1], settings.deepest(), tiling.core) {
            let (window, core) = ([tile.window.width, tile.window.height], tile.core.within(&tile.window));
            let known = kinds.iter().position(|kind| kind.size == window && kind.core == core);
            let kind = match known {
                Some(kind) => kind,
                None => {
                    kinds.push(Kind::new(gpu, network, settings, parts, window, core)?);
                    kinds.len() - 1
                }
            };
            all.push((tile, kind));
        }
        Ok(Self { tiles: all, kinds, activations: tiling.activations })
    }

    /// How many tiles there are.
    pub fn count(&self) -> usize {
        self.tiles.len()
    }

    /// Memory on the device while a pass of any kind runs, the network's weights not counted.
    pub fn memory(&self) -> MemoryUse {
        let leaves = self.leaf_shapes().iter().map(Shape::bytes).sum();
        self.arena_size().memory().with(Use::Targets, leaves)
    }

    /// Whether a device takes each buffer and texture of it.
    pub fn fits(&self, gpu: &Gpu) -> bool {
        let leaves = self.leaf_shapes();
        self.arena_size().fits(gpu) && leaves.iter().all(|leaf| leaf.bytes() <= gpu.max_tensor_bytes())
    }

    fn arena_size(&self) -> ArenaSize {
        let passes = [Pass::Grams, Pass::Features, Pass::Gradient];
        let plans: Vec<_> =
            self.kinds.iter().flat_map(|kind| passes.map(|pass| kind.plan(pass, self.activations))).collect();
        ArenaSize::of(&plans)
    }

    /// For each leaf, which has the same place in every kind, the largest that any kind wants.
    fn leaf_shapes(&self) -> Vec<Shape> {
        let mut largest: Vec<Shape> = vec![];
        for shapes in self.kinds.iter().map(Kind::leaf_shapes) {
            largest.resize(shapes.len(), Shape::scalar());
            for (largest, shape) in largest.iter_mut().zip(shapes) {
                if shape.bytes() > largest.bytes() {
                    *largest = shape;
                }
            }
        }
        largest
    }

    /// Allocates what the tiles work in.
    pub(super) fn workspace(&self, gpu: &Gpu) -> Result<Workspace> {
        let arena = Arc::new(Arena::new(gpu, &self.arena_size())?);
        let leaf = |shape: &Shape| gpu.tensor(*shape, Use::Targets, "constant of a tile");
        let leaves = self.leaf_shapes().iter().map(leaf).collect::<Result<_>>()?;
        Ok(Workspace { arena, leaves, activations: self.activations })
    }
}

impl Kind {
    fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        parts: &Parts,
        size: [u32; 2],
        core: Area,
    ) -> Result<Self> {
        let mut graph = Graph::new();
        let x = graph.leaf(Objective::VARIABLE, variable_shape(size[0], size[1]));
        let (mut constants, mut terms, mut features, mut counted) = (vec![], vec![], vec![], vec![]);
        network.walk(&mut graph, x, &settings.layers(), |graph, layer, node| {
            let own = crop(graph, layer, node, core);
            let mut builder = Builder { graph, constants: &mut constants };
            let mut add = |node, term, weight: f32| {
                terms.push((node, term));
                counted.extend((weight > 0.0).then_some((node, term)));
            };
            let (content, style) = (&settings.content_layers, &settings.style_layers);
            if content.contains(layer) {
                let mask = parts.content_region.is_some().then_some(Constant::ContentMask(layer));
                let node = builder.masked(own, mask);
                features.push((node, layer));
                let mse = builder.compare(&format!("content {layer}"), node, Constant::Content(layer));
                add(mse, Term::Content(layer), settings.content_weight * content.weight(layer));
            }
            for (i, part) in parts.styles.iter().enumerate().filter(|_| style.contains(layer)) {
                let mask = part.region.is_some().then_some(Constant::StyleMask(layer, i));
                let node = builder.masked(own, mask);
                let gram = gram(gpu, network, builder.graph, layer, node)?;
                add(gram, Term::Gram(layer, i), settings.style_weight * style.weight(layer));
            }
            Ok::<(), Error>(())
        })?;
        Ok(Self { size, core, graph, x, constants, terms, features, counted })
    }

    fn leaf_shapes(&self) -> Vec<Shape> {
        let leaves = [self.x].into_iter().chain(self.constants.iter().map(|(node, _)| *node));
        leaves.map(|node| self.graph.shape(node)).collect()
    }

    fn plan(&self, pass: Pass, activations: Activations) -> MemoryPlan {
        let nodes = |terms: &[(NodeId, Term)]| terms.iter().map(|(node, _)| *node).collect::<Vec<_>>();
        let of =
            |gram: bool| self.terms.iter().filter(move |(_, term)| matches!(term, Term::Gram(..)) == gram);
        let keep: Vec<NodeId> = match pass {
            Pass::Grams => of(true).map(|(node, _)| *node).collect(),
            Pass::Features => self.features.iter().map(|(node, _)| *node).collect(),
            Pass::Gradient => of(false).map(|(node, _)| *node).collect(),
        };
        let outputs = nodes(&self.counted);
        let has_gradient = pass == Pass::Gradient && !outputs.is_empty();
        let differentiate = has_gradient.then_some(Differentiate { outputs, input: self.x });
        self.graph.plan(Request { keep, differentiate, activations })
    }

    /// Records a pass, to run in a workspace.
    pub fn compile(&self, gpu: &Gpu, pass: Pass, workspace: &Workspace) -> Result<Program> {
        let nodes = [self.x].into_iter().chain(self.constants.iter().map(|(node, _)| *node));
        let leaves: Vec<_> = nodes.zip(self.leaves(workspace)).collect();
        let plan = self.plan(pass, workspace.activations);
        self.graph.compile_in(gpu, &plan, &leaves, &workspace.arena)
    }

    /// Where the window of the picture goes.
    pub fn x(&self, workspace: &Workspace) -> Tensor {
        workspace.leaves[0].viewed_as(self.graph.shape(self.x))
    }

    /// Where the other leaves go.
    pub fn constants(&self, workspace: &Workspace) -> Vec<(Constant, Tensor)> {
        let tensors = self.leaves(workspace).into_iter().skip(1);
        self.constants.iter().map(|(_, constant)| *constant).zip(tensors).collect()
    }

    fn leaves(&self, workspace: &Workspace) -> Vec<Tensor> {
        let views = workspace.leaves.iter().zip(self.leaf_shapes());
        views.map(|(tensor, shape)| tensor.viewed_as(shape)).collect()
    }
}

//! An image cut into tiles: the graph of each kind of tile, and the memory that all tiles share.

use std::sync::Arc;

use super::geometry::{Tile, tiles};
use super::tile_graph::{Pass, TileGraph};
use crate::error::Result;
use crate::gpu::{Gpu, MemoryUse, Shape, Tensor, Use};
use crate::graph::{Activations, Arena, ArenaSize, Program};
use crate::objective::term::TermWeights;
use crate::objective::{Parts, Settings, variable_shape};
use crate::vgg19::Network;

/// How an image is cut into tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    /// Largest side of a tile's core in pixels.
    pub core: u32,
    /// Whether a tile's activations stay in memory until its backward pass.
    pub activations: Activations,
    /// Whether the content features stay in the host's memory or are computed again in each evaluation.
    pub content: Activations,
}

impl From<u32> for Tiling {
    /// Tiles with cores of at most this many pixels on a side, everything kept.
    fn from(core: u32) -> Self {
        Self { core, activations: Activations::Kept, content: Activations::Kept }
    }
}

/// The tiles of an image. Tiles of one size with the core in one place share a graph.
pub struct TileLayout {
    /// Each tile, and the index of its graph.
    pub(super) tiles: Vec<(Tile, usize)>,
    pub(super) graphs: Vec<TileGraph>,
    activations: Activations,
}

/// The leaves and the working memory that all tiles share, one at a time.
pub(super) struct Workspace {
    pub arena: Arc<Arena>,
    /// The window of the image, then the constants, each as large as the largest of any graph.
    pub leaves: Vec<Tensor>,
    pub activations: Activations,
}

impl TileLayout {
    /// Cuts an image of `size` columns and rows.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if a kernel cannot be compiled.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        parts: &Parts,
        size: [u32; 2],
        tiling: Tiling,
    ) -> Result<Self> {
        let weights = TermWeights::new(settings, parts, variable_shape(size[0], size[1]));
        let mut graphs: Vec<TileGraph> = vec![];
        let mut all = vec![];
        for tile in tiles(size[0], size[1], settings.deepest(), tiling.core) {
            let (window, core) = ([tile.window.width, tile.window.height], tile.core.within(&tile.window));
            let known = graphs.iter().position(|graph| graph.window == window && graph.core == core);
            let graph = match known {
                Some(graph) => graph,
                None => {
                    graphs.push(TileGraph::new(gpu, network, settings, parts, &weights, window, core)?);
                    graphs.len() - 1
                }
            };
            all.push((tile, graph));
        }
        Ok(Self { tiles: all, graphs, activations: tiling.activations })
    }

    /// How many tiles there are.
    pub fn count(&self) -> usize {
        self.tiles.len()
    }

    /// Memory on the device while any pass runs, without the network's weights.
    pub fn memory(&self) -> MemoryUse {
        let leaves = self.leaf_shapes().iter().map(Shape::bytes).sum();
        self.arena_size().memory().with(Use::Targets, leaves)
    }

    /// Whether each buffer and texture is within the limits of the device.
    pub fn fits(&self, gpu: &Gpu) -> bool {
        let leaves = self.leaf_shapes();
        self.arena_size().fits(gpu) && leaves.iter().all(|leaf| leaf.bytes() <= gpu.max_tensor_bytes())
    }

    fn arena_size(&self) -> ArenaSize {
        let passes = [Pass::Grams, Pass::Features, Pass::Gradient];
        let plans =
            self.graphs.iter().flat_map(|graph| passes.map(|pass| graph.plan(pass, self.activations)));
        ArenaSize::of(&plans.collect::<Vec<_>>())
    }

    /// For each leaf, which has the same index in every graph, its largest shape.
    fn leaf_shapes(&self) -> Vec<Shape> {
        let mut largest: Vec<Shape> = vec![];
        for shapes in self.graphs.iter().map(TileGraph::leaf_shapes) {
            largest.resize(shapes.len(), Shape::scalar());
            for (largest, shape) in largest.iter_mut().zip(shapes) {
                if shape.bytes() > largest.bytes() {
                    *largest = shape;
                }
            }
        }
        largest
    }

    /// Allocates the memory in which the tiles are computed.
    pub(super) fn workspace(&self, gpu: &Gpu) -> Result<Workspace> {
        let arena = Arc::new(Arena::new(gpu, &self.arena_size())?);
        let leaf = |shape: &Shape| gpu.tensor(*shape, Use::Targets, "constant of a tile");
        let leaves = self.leaf_shapes().iter().map(leaf).collect::<Result<_>>()?;
        Ok(Workspace { arena, leaves, activations: self.activations })
    }

    /// Records a pass of each graph.
    pub(super) fn compile(&self, gpu: &Gpu, pass: Pass, workspace: &Workspace) -> Result<Vec<Program>> {
        self.graphs.iter().map(|graph| graph.compile(gpu, pass, workspace)).collect()
    }
}

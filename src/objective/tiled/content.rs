//! The content image's features in each tile.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::tile_graph::Pass;
use super::{Area, TiledObjective};
use crate::error::Result;
use crate::graph::{Activations, Program};
use crate::image_io::Image;
use crate::objective::to_variable;
use crate::vgg19::LayerId;

/// Features at the content layers, in the core of one tile.
pub(super) type Features = BTreeMap<LayerId, Vec<f32>>;

/// The content features of all tiles. At `conv2_2` they take 128 bytes for each pixel of the image, as much as ten vectors
/// of the optimiser; at `conv4_2`, 32.
pub(super) enum Content {
    /// In the host's memory, for each tile.
    Kept(Vec<Features>),
    /// Computed again in each evaluation.
    Recomputed {
        image: Image,
        /// The program of each graph of the layout.
        programs: Vec<Program>,
    },
}

impl Content {
    /// The features in a tile.
    pub fn of_tile(&self, objective: &TiledObjective, tile: usize) -> Result<Cow<'_, Features>> {
        match self {
            Self::Kept(tiles) => Ok(Cow::Borrowed(&tiles[tile])),
            Self::Recomputed { image, programs } => {
                objective.features_of(tile, image, programs).map(Cow::Owned)
            }
        }
    }
}

impl TiledObjective {
    /// Computes the content features now, or prepares to compute them in each evaluation.
    pub(super) fn content_features(&self, image: &Image, activations: Activations) -> Result<Content> {
        let programs = self.layout.compile(&self.gpu, Pass::Features, &self.workspace)?;
        if activations == Activations::Recomputed {
            return Ok(Content::Recomputed { image: image.clone(), programs });
        }
        let features = |tile| self.features_of(tile, image, &programs);
        Ok(Content::Kept((0..self.tiles()).map(features).collect::<Result<_>>()?))
    }

    /// Runs the network on a tile of an image.
    fn features_of(&self, tile: usize, image: &Image, programs: &[Program]) -> Result<Features> {
        let (tile, index) = &self.layout.tiles[tile];
        let (graph, program) = (&self.layout.graphs[*index], &programs[*index]);
        self.gpu.write(&graph.x(&self.workspace), &window_of(image, &tile.window)?);
        self.masks.write(&self.gpu, tile, &graph.constants(&self.workspace));
        self.gpu.submit(&[&program.forward])?;
        let (layers, tensors): (Vec<_>, Vec<_>) =
            graph.content_features().map(|(layer, node)| (layer, program.value(node))).unzip();
        Ok(layers.into_iter().zip(self.gpu.read_all(&tensors)?).collect())
    }
}

/// The variable of a part of an image.
pub(super) fn window_of(image: &Image, area: &Area) -> Result<Vec<f32>> {
    let rows = area.rows(image.width()).map(|row| &image.pixels()[3 * row.start..3 * row.end]);
    let part = Image::from_rgb(area.width, area.height, rows.flatten().copied().collect())?;
    Ok(to_variable(&part))
}

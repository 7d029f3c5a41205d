//! What the content image makes of each tile.

use std::collections::BTreeMap;

use super::layout::{Kind, Pass};
use super::{Area, TiledObjective};
use crate::error::Result;
use crate::graph::{Activations, Program};
use crate::image_io::Image;
use crate::objective::to_variable;
use crate::vgg19::LayerId;

/// Features at the content layers, in the core of one tile.
pub(super) type Features = BTreeMap<LayerId, Vec<f32>>;

/// The content's features. At `conv4_2` they take 32 bytes for each pixel of the picture, as much as two and a
/// half vectors of the optimiser.
pub(super) enum Content {
    /// Of each tile.
    Kept(Vec<Features>),
    /// Computed again in each evaluation.
    Recomputed {
        image: Image,
        /// For each kind of tile.
        programs: Vec<Program>,
    },
}

impl TiledObjective {
    /// Looks at the content once, or prepares to do so time and again.
    pub(super) fn look_at_content(&self, image: &Image, way: Activations) -> Result<Content> {
        let compile = |kind: &Kind| kind.compile(&self.gpu, Pass::Features, &self.workspace);
        let programs = self.layout.kinds.iter().map(compile).collect::<Result<Vec<_>>>()?;
        if way == Activations::Recomputed {
            return Ok(Content::Recomputed { image: image.clone(), programs });
        }
        let look = |i| self.features_of(i, image, &programs);
        Ok(Content::Kept((0..self.tiles()).map(look).collect::<Result<_>>()?))
    }

    /// Runs the network on a tile of a picture.
    pub(super) fn features_of(&self, i: usize, image: &Image, programs: &[Program]) -> Result<Features> {
        let (tile, kind) = &self.layout.tiles[i];
        let (kind, program) = (&self.layout.kinds[*kind], &programs[*kind]);
        self.gpu.write(&kind.x(&self.workspace), &window_of(image, &tile.window)?);
        self.give_masks(kind, tile);
        self.gpu.submit(&[&program.forward])?;
        let tensors: Vec<_> = kind.features.iter().map(|(node, _)| program.value(*node)).collect();
        let layers = kind.features.iter().map(|(_, layer)| *layer);
        Ok(layers.zip(self.gpu.read_all(&tensors)?).collect())
    }
}

/// A part of a picture, as a variable.
pub(super) fn window_of(image: &Image, area: &Area) -> Result<Vec<f32>> {
    let rows = area.rows(image.width()).map(|row| &image.pixels()[3 * row.start..3 * row.end]);
    let part = Image::from_rgb(area.width, area.height, rows.flatten().copied().collect())?;
    Ok(to_variable(&part))
}

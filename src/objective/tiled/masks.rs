//! The masks of regions, cut to tiles.

use super::Tile;
use crate::error::Result;
use crate::gpu::{Gpu, Shape, Tensor};
use crate::objective::loss_terms::Constant;
use crate::objective::{Parts, Settings};
use crate::vgg19::{LayerId, activation_shape};

/// The masks of regions for whole layers.
pub(super) struct Masks {
    /// Shape of the variable.
    image: Shape,
    masks: Vec<(Constant, LayerId, Vec<f32>)>,
}

impl Masks {
    pub fn new(settings: &Settings, parts: &Parts, image: Shape) -> Result<Self> {
        let features = |layer| activation_shape(layer, image.width, image.height);
        let mut masks = vec![];
        for layer in settings.content_layers.layers() {
            let mask = parts.content_mask(features(layer))?;
            masks.extend(mask.map(|mask| (Constant::ContentMask(layer), layer, mask)));
        }
        for layer in settings.style_layers.layers() {
            for part in 0..parts.styles.len() {
                let mask = parts.style_mask(part, features(layer))?;
                masks.extend(mask.map(|mask| (Constant::StyleMask(layer, part), layer, mask)));
            }
        }
        Ok(Self { image, masks })
    }

    /// Writes the masks of a tile's core to the tensors of the graph.
    pub fn write(&self, gpu: &Gpu, tile: &Tile, constants: &[(Constant, Tensor)]) {
        for (constant, tensor) in constants {
            let Some((_, layer, mask)) = self.masks.iter().find(|(of, ..)| of == constant) else { continue };
            let all = activation_shape(*layer, self.image.width, self.image.height);
            gpu.write(tensor, &tile.core.at(*layer).cut(mask, [all.width, all.height]));
        }
    }
}

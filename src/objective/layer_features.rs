//! What a layer makes of a picture, to be looked at.

use super::targets::{content_graph, content_targets, gram_matrices, missing};
use super::{LayerWeights, MemoryEstimate, Settings, variable_shape};
use crate::error::Result;
use crate::gpu::{Gpu, Shape};
use crate::graph::{ArenaSize, Request};
use crate::image_io::Image;
use crate::vgg19::{LayerId, Network};

/// What a layer makes of a picture.
#[derive(Debug, Clone)]
pub struct LayerFeatures {
    /// Maps, rows and columns.
    pub shape: Shape,
    /// The activations, map by map, rows from the top.
    pub maps: Vec<f32>,
    /// The Gram matrix, row by row: as many of both as there are maps.
    pub gram: Vec<f32>,
}

impl LayerFeatures {
    /// Whether the device takes each tensor of a look at a picture of this width and height.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn fits(gpu: &Gpu, network: &Network, layer: LayerId, size: [u32; 2]) -> Result<bool> {
        let settings = Self::settings(layer);
        let (graph, _, features) = content_graph(network, &settings, variable_shape(size[0], size[1]));
        let keep = features.into_values().collect();
        let maps_fit = ArenaSize::of([&graph.plan(Request { keep, ..Request::default() })]).fits(gpu);
        Ok(maps_fit && MemoryEstimate::of_styles(gpu, network, &settings, &[size], None)?.fits)
    }

    /// Settings that ask for one layer, as content and as style: what a look needs of the network.
    pub fn settings(layer: LayerId) -> Settings {
        let one = LayerWeights::one(layer);
        Settings { content_layers: one.clone(), style_layers: one, ..Settings::default() }
    }

    /// Runs the network on a picture as far as `layer`.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) or [`Error::TooLarge`](crate::Error::TooLarge) when memory or a kernel cannot be had.
    pub fn at(gpu: &Gpu, network: &Network, layer: LayerId, image: &Image) -> Result<Self> {
        let settings = Self::settings(layer);
        let mut maps = content_targets(gpu, network, &settings, image)?;
        let mut grams = gram_matrices(gpu, network, &settings, image)?;
        let (Some(maps), Some(gram)) = (maps.remove(&layer), grams.remove(&layer)) else {
            return Err(missing(layer));
        };
        Ok(Self { shape: maps.shape(), maps: gpu.read(&maps)?, gram })
    }
}

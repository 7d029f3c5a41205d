//! What the optimised picture is compared with, computed once.

use std::collections::BTreeMap;

use super::loss_graph::{Constant, LayerGrams};
use super::parts::mask_shape;
use super::style_cache::Grams;
use super::tiled;
use super::{Parts, Region, Settings, StyleCache, to_variable, variable_shape};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Recording, Shape, Tensor, Use};
use crate::graph::{Graph, NodeId, Request};
use crate::image_io::Image;
use crate::vgg19::{LayerId, Network, activation_shape};

/// A style image and how much it counts.
#[derive(Debug, Clone)]
pub struct Style {
    /// The image, at the size at which it is imitated.
    pub image: Image,
    /// Its share of the blend, over the sum of all styles' weights.
    pub weight: f32,
    /// Where in the picture it applies; `None` is everywhere.
    pub region: Option<Region>,
}

impl From<Image> for Style {
    /// A style of weight 1.
    fn from(image: Image) -> Self {
        Self { image, weight: 1.0, region: None }
    }
}

/// The content image's activations and the style images' Gram matrices.
#[derive(Debug)]
pub struct Targets {
    shape: Shape,
    content: BTreeMap<LayerId, Tensor>,
    parts: Parts,
    /// The Gram matrices that each part of the style term asks for.
    grams: Vec<BTreeMap<LayerId, Tensor>>,
}

impl Targets {
    /// Runs the network on each picture. The Gram matrices of several styles are averaged by
    /// their weights.
    ///
    /// # Errors
    /// [`Error::Usage`] without a style of a weight above 0; [`Error::Gpu`] or [`Error::TooLarge`] when memory or a
    /// kernel cannot be had.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        content: &Image,
        styles: &[Style],
    ) -> Result<Self> {
        Self::remembering(gpu, network, settings, content, styles, None, &StyleCache::none())
    }

    /// The same, without a second look at styles that the network saw before. With `style_core` the styles
    /// are looked at in tiles with cores of at most so many pixels on a side.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn remembering(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        content: &Image,
        styles: &[Style],
        style_core: Option<u32>,
        memory: &StyleCache,
    ) -> Result<Self> {
        let parts = Parts::of(styles, None)?;
        let shape = variable_shape(content.width(), content.height());
        let content = content_targets(gpu, network, settings, content)?;
        let look = |image: &Image| {
            let layers = settings.style_layers.layers().collect();
            memory.grams(layers, style_core, image, || match style_core {
                Some(core) => tiled::gram_matrices(gpu, network, settings, image, core),
                None => gram_matrices(gpu, network, settings, image),
            })
        };
        let upload = |(layer, gram): (LayerId, Vec<f32>)| {
            let channels = layer.channels() as u32;
            let label = format!("style target {layer}");
            Ok((layer, gpu.upload(Shape::blocked(channels, 1, channels), &gram, Use::Targets, &label)?))
        };
        let grams = parts.blends(styles, look)?;
        let grams = grams.into_iter().map(|grams| grams.into_iter().map(upload).collect());
        Ok(Self { shape, content, grams: grams.collect::<Result<_>>()?, parts })
    }

    /// Asks for the content in one region only: its errors count by the mask's square.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device failed.
    pub fn with_content_region(mut self, gpu: &Gpu, region: &Region) -> Result<Self> {
        for target in self.content.values() {
            let weights = region.weights(target.shape())?;
            let masked = gpu.read(target)?.into_iter().zip(weights.iter().cycle());
            gpu.write(target, &masked.map(|(value, weight)| value * weight).collect::<Vec<_>>());
        }
        self.parts.content_region = Some(region.clone());
        Ok(self)
    }

    /// Shape of the variable: that of the content image.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// A constant of the objective's graph.
    pub(super) fn constant(&self, gpu: &Gpu, constant: Constant) -> Result<Tensor> {
        let features = |layer| activation_shape(layer, self.shape.width, self.shape.height);
        let upload = |layer, mask: Option<Vec<f32>>| {
            let mask = mask.ok_or_else(|| missing(layer))?;
            gpu.upload(mask_shape(features(layer)), &mask, Use::Targets, "mask")
        };
        match constant {
            Constant::Content(layer) => self.content.get(&layer).cloned().ok_or_else(|| missing(layer)),
            Constant::Gram(layer, part) => {
                self.grams[part].get(&layer).cloned().ok_or_else(|| missing(layer))
            }
            Constant::ContentMask(layer) => upload(layer, self.parts.content_mask(features(layer))?),
            Constant::StyleMask(layer, part) => upload(layer, self.parts.style_mask(part, features(layer))?),
        }
    }
}

pub(super) fn missing(layer: LayerId) -> Error {
    Error::gpu("the objective", format!("the targets were made without layer {layer}"))
}

pub(super) fn content_targets(
    gpu: &Gpu,
    network: &Network,
    settings: &Settings,
    image: &Image,
) -> Result<BTreeMap<LayerId, Tensor>> {
    let shape = variable_shape(image.width(), image.height());
    let x = gpu.upload(shape, &to_variable(image), Use::Activations, "picture")?;
    let (graph, leaf, features) = content_graph(network, settings, shape);
    let keep = features.values().copied().collect();
    let program = graph.compile(gpu, &graph.plan(Request { keep, ..Request::default() }), &[(leaf, x)])?;
    let mut copies = Recording::new(gpu);
    let targets = features
        .into_iter()
        .map(|(layer, node)| {
            let label = format!("content target {layer}");
            let target = gpu.tensor(graph.shape(node), Use::Targets, &label)?;
            copies.copy(program.value(node), &target);
            Ok((layer, target))
        })
        .collect::<Result<_>>()?;
    gpu.submit(&[&program.forward, &copies])?;
    // So that the program's memory is free before the next is made.
    gpu.wait()?;
    Ok(targets)
}

/// The network as far as the content layers; the leaf is a picture of this shape.
pub(super) fn content_graph(
    network: &Network,
    settings: &Settings,
    image: Shape,
) -> (Graph, NodeId, BTreeMap<LayerId, NodeId>) {
    let mut graph = Graph::new();
    let leaf = graph.leaf("x", image);
    let features = network.features(&mut graph, leaf, &settings.content_layers.layers().collect());
    (graph, leaf, features)
}

pub(super) fn gram_matrices(
    gpu: &Gpu,
    network: &Network,
    settings: &Settings,
    image: &Image,
) -> Result<Grams> {
    let shape = variable_shape(image.width(), image.height());
    let x = gpu.upload(shape, &to_variable(image), Use::Activations, "picture")?;
    let (graph, leaf, grams) = gram_graph(gpu, network, settings, shape)?;
    let keep = grams.values().copied().collect();
    let program = graph.compile(gpu, &graph.plan(Request { keep, ..Request::default() }), &[(leaf, x)])?;
    gpu.submit(&[&program.forward])?;
    grams.into_iter().map(|(layer, node)| Ok((layer, gpu.read(program.value(node))?))).collect()
}

/// The network as far as the style layers, with their Gram matrices; the leaf is a picture of this shape.
pub(super) fn gram_graph(
    gpu: &Gpu,
    network: &Network,
    settings: &Settings,
    image: Shape,
) -> Result<(Graph, NodeId, BTreeMap<LayerId, NodeId>)> {
    let mut graph = Graph::new();
    let leaf = graph.leaf("x", image);
    let (mut grams, mut pieces) = (BTreeMap::new(), LayerGrams::default());
    network.walk_in_bands(
        &mut graph,
        leaf,
        &settings.style_layers.layers().collect(),
        |graph, layer, piece| {
            let gram = pieces.add(gpu, network, graph, layer, piece)?;
            grams.extend(gram.map(|gram| (layer, gram)));
            Ok::<(), crate::Error>(())
        },
    )?;
    Ok((graph, leaf, grams))
}

//! The targets of the loss terms, computed once: the content image's activations and the styles' Gram matrices.

use std::collections::BTreeMap;

use super::loss_terms::{Constant, StyleNode, TermBuilder, TermNodes};
use super::parts::mask_shape;
use super::style_cache::Grams;
use super::tone::{self, ToneTarget};
use super::{
    Objective, Parts, Region, Scene, Settings, Style, StyleCache, Term, tiled, to_variable, variable_shape,
};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Recording, Shape, Tensor, Use};
use crate::graph::{Graph, NodeId, Request};
use crate::image_io::Image;
use crate::vgg19::{LayerId, Network, activation_shape};

/// The content image's activations and the style images' Gram matrices.
#[derive(Debug)]
pub struct Targets {
    shape: Shape,
    content: BTreeMap<LayerId, Tensor>,
    parts: Parts,
    /// The Gram matrices of each part of the style term.
    grams: Vec<BTreeMap<LayerId, Tensor>>,
    tone: Option<ToneTarget>,
}

/// Options of [`Targets::new`].
#[derive(Debug, Clone, Default)]
pub struct TargetOptions {
    /// Computes the Gram matrices of styles in tiles with cores of at most this many pixels on a side; `None` in one
    /// piece.
    pub style_core: Option<u32>,
    /// Gram matrices of styles that the network computed before.
    pub style_cache: StyleCache,
}

impl Targets {
    /// Runs the network on each image of the scene. The Gram matrices of styles without a region are averaged by their
    /// weights. With a content region the content features are multiplied by its mask, as are those of the optimised
    /// image.
    ///
    /// # Errors
    /// [`Error::Usage`] without a style of a weight above 0; [`Error::Gpu`], [`Error::TooLarge`] or
    /// [`Error::OutOfMemory`] if a tensor cannot be allocated or a kernel cannot be compiled.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        scene: &Scene,
        options: &TargetOptions,
    ) -> Result<Self> {
        let parts = Parts::of(scene.styles, scene.content_region)?;
        let shape = variable_shape(scene.content.width(), scene.content.height());
        let content = content_targets(gpu, network, settings, scene.content)?;
        if let Some(region) = scene.content_region {
            content.values().try_for_each(|features| mask(gpu, features, region))?;
        }
        let style_core = options.style_core;
        let blends = parts.blends(scene.styles, |style| {
            let layers = settings.style_layers.layers().collect();
            options.style_cache.grams(layers, style_core, style, || match style_core {
                Some(core) => tiled::gram_matrices(gpu, network, settings, style, core),
                None => gram_matrices(gpu, network, settings, style),
            })
        })?;
        let upload = |(layer, gram): (LayerId, Vec<f32>)| {
            let channels = layer.channels() as u32;
            let label = format!("style target {layer}");
            Ok((layer, gpu.upload(Shape::blocked(channels, 1, channels), &gram, Use::Targets, &label)?))
        };
        let grams = blends.into_iter().map(|grams| grams.into_iter().map(upload).collect());
        Ok(Self {
            shape,
            content,
            grams: grams.collect::<Result<_>>()?,
            parts,
            tone: ToneTarget::new(settings, scene)?,
        })
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
        let tone = |values: fn(&ToneTarget) -> &Vec<f32>| {
            let without = || Error::gpu("the objective", "the targets were made without tone");
            let target = self.tone.as_ref().ok_or_else(without)?;
            gpu.upload(tone::operation(self.shape).windows(self.shape), values(target), Use::Targets, "tone")
        };
        match constant {
            Constant::Content(layer) => self.content.get(&layer).cloned().ok_or_else(|| missing(layer)),
            Constant::Gram(layer, part) => {
                self.grams[part].get(&layer).cloned().ok_or_else(|| missing(layer))
            }
            Constant::Tone => tone(|target| &target.tones),
            Constant::ToneWeights => tone(|target| &target.weights),
            Constant::ContentMask(layer) => upload(layer, self.parts.content_mask(features(layer))?),
            Constant::StyleMask(layer, part) => upload(layer, self.parts.style_mask(part, features(layer))?),
        }
    }
}

fn missing(layer: LayerId) -> Error {
    Error::gpu("the objective", format!("the targets were made without layer {layer}"))
}

/// Multiplies features on the device by the mask of a region.
fn mask(gpu: &Gpu, features: &Tensor, region: &Region) -> Result<()> {
    let weights = region.weights(features.shape())?;
    let masked = gpu.read(features)?.into_iter().zip(weights.iter().cycle());
    gpu.write(features, &masked.map(|(value, weight)| value * weight).collect::<Vec<_>>());
    Ok(())
}

/// The activations of an image at the content layers.
fn content_targets(
    gpu: &Gpu,
    network: &Network,
    settings: &Settings,
    image: &Image,
) -> Result<BTreeMap<LayerId, Tensor>> {
    let shape = variable_shape(image.width(), image.height());
    let x = gpu.upload(shape, &to_variable(image), Use::Activations, "content image")?;
    let mut graph = Graph::new();
    let leaf = graph.leaf(Objective::VARIABLE, shape);
    let features = network.features(&mut graph, leaf, &settings.content_layers.layers().collect());
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
    // The program's memory is free before the next program is compiled.
    gpu.wait()?;
    Ok(targets)
}

/// The Gram matrices of a style image or of its part in one piece, at the style layers.
fn gram_matrices(gpu: &Gpu, network: &Network, settings: &Settings, style: &Style) -> Result<Grams> {
    let Style { image, image_region, .. } = style;
    let shape = variable_shape(image.width(), image.height());
    let x = gpu.upload(shape, &to_variable(image), Use::Activations, "style image")?;
    let parts = Parts::within(image_region.clone());
    let GramGraph { graph, x: leaf, grams, masks } = GramGraph::new(gpu, network, settings, &parts, shape)?;
    let mut leaves = vec![(leaf, x)];
    for (layer, node) in masks {
        let mask = parts.style_mask(0, activation_shape(layer, shape.width, shape.height))?;
        let mask = mask.ok_or_else(|| missing(layer))?;
        leaves.push((node, gpu.upload(graph.shape(node), &mask, Use::Targets, "mask")?));
    }
    let keep = grams.values().copied().collect();
    let program = graph.compile(gpu, &graph.plan(Request { keep, ..Request::default() }), &leaves)?;
    gpu.submit(&[&program.forward])?;
    grams.into_iter().map(|(layer, node)| Ok((layer, gpu.read(program.value(node))?))).collect()
}

/// The graph of a style image's Gram matrices.
pub(super) struct GramGraph {
    pub graph: Graph,
    /// The style image.
    pub x: NodeId,
    pub grams: BTreeMap<LayerId, NodeId>,
    /// The mask of the image's part at each layer; empty if all of it is meant.
    pub masks: Vec<(LayerId, NodeId)>,
}

impl GramGraph {
    /// For an image of this shape. `parts` is one part, with the region that is meant.
    pub fn new(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        parts: &Parts,
        image: Shape,
    ) -> Result<Self> {
        let settings = settings.style_alone();
        let mut graph = Graph::new();
        let x = graph.leaf(Objective::VARIABLE, image);
        let mut builder = TermBuilder::new(gpu, network, &settings, parts, StyleNode::Gram);
        let visit = |graph: &mut Graph, layer, piece| builder.visit(graph, layer, piece);
        network.walk_in_bands(&mut graph, x, &settings.layers(), visit)?;
        let layer = |(term, node)| match term {
            Term::Style { layer, .. } => Some((layer, node)),
            _ => None,
        };
        let TermNodes { terms, constants, .. } = builder.finish();
        let mask = |(node, constant)| match constant {
            Constant::StyleMask(layer, _) => Some((layer, node)),
            _ => None,
        };
        let masks = constants.into_iter().filter_map(mask).collect();
        Ok(Self { graph, x, grams: terms.into_iter().filter_map(layer).collect(), masks })
    }
}

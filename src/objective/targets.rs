//! What the optimised picture is compared with, computed once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::memory::Grams;
use super::{LayerWeights, Region, Settings, StyleMemory, to_variable, variable_shape};
use crate::error::{Error, Result};
use crate::gpu::{Gpu, Recording, Shape, Tensor, Use};
use crate::graph::Graph;
use crate::image_io::Image;
use crate::ops::Gram;
use crate::vgg19::{LayerId, Network};

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
    content_region: Option<Region>,
    styles: Vec<StyleTarget>,
}

/// The Gram matrices that one region of the picture, or all of it, is to have.
#[derive(Debug)]
pub(super) struct StyleTarget {
    /// Its part of the style term; all parts add up to 1.
    pub share: f32,
    pub region: Option<Region>,
    grams: BTreeMap<LayerId, Tensor>,
}

impl StyleTarget {
    pub fn gram(&self, layer: LayerId) -> Result<&Tensor> {
        self.grams.get(&layer).ok_or_else(|| missing(layer))
    }
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
        Self::remembering(gpu, network, settings, content, styles, &StyleMemory::default())
    }

    /// The same, without a second look at styles that the network saw before.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn remembering(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        content: &Image,
        styles: &[Style],
        memory: &StyleMemory,
    ) -> Result<Self> {
        let whole: f32 = styles.iter().map(|style| style.weight).sum();
        if whole <= 0.0 {
            return Err(Error::Usage("a style image of a weight above 0 is needed".into()));
        }
        let shape = variable_shape(content.width(), content.height());
        let content = content_targets(gpu, network, settings, content)?;
        let (everywhere, somewhere): (Vec<_>, Vec<_>) =
            styles.iter().filter(|style| style.weight > 0.0).partition(|style| style.region.is_none());
        let groups = [everywhere].into_iter().chain(somewhere.into_iter().map(|style| vec![style]));
        let styles = groups
            .filter(|group| !group.is_empty())
            .map(|group| {
                let look = |image: &Image| {
                    let layers = settings.style_layers.layers().collect();
                    memory.grams(layers, image, || gram_matrices(gpu, network, settings, image))
                };
                style_target(gpu, &group, whole, look)
            })
            .collect::<Result<_>>()?;
        Ok(Self { shape, content, content_region: None, styles })
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
        self.content_region = Some(region.clone());
        Ok(self)
    }

    /// Shape of the variable: that of the content image.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn content(&self, layer: LayerId) -> Result<&Tensor> {
        self.content.get(&layer).ok_or_else(|| missing(layer))
    }

    pub(super) fn content_region(&self) -> Option<&Region> {
        self.content_region.as_ref()
    }

    pub(super) fn styles(&self) -> &[StyleTarget] {
        &self.styles
    }
}

/// What a layer makes of a picture.
#[derive(Debug, Clone)]
pub struct Look {
    /// Maps, rows and columns.
    pub shape: Shape,
    /// The activations, map by map, rows from the top.
    pub maps: Vec<f32>,
    /// The Gram matrix, row by row: as many of both as there are maps.
    pub gram: Vec<f32>,
}

impl Look {
    /// Runs the network on a picture as far as `layer`.
    ///
    /// # Errors
    /// [`Error::Gpu`] or [`Error::TooLarge`] when memory or a kernel cannot be had.
    pub fn at(gpu: &Gpu, network: &Network, layer: LayerId, image: &Image) -> Result<Self> {
        let one = LayerWeights::one(layer);
        let settings = Settings { content_layers: one.clone(), style_layers: one, ..Settings::default() };
        let mut maps = content_targets(gpu, network, &settings, image)?;
        let mut grams = gram_matrices(gpu, network, &settings, image)?;
        let (Some(maps), Some(gram)) = (maps.remove(&layer), grams.remove(&layer)) else {
            return Err(missing(layer));
        };
        Ok(Self { shape: maps.shape(), maps: gpu.read(&maps)?, gram })
    }
}

fn missing(layer: LayerId) -> Error {
    Error::gpu("the objective", format!("the targets were made without layer {layer}"))
}

/// The mean of the Gram matrices of styles that apply in one place.
fn style_target(
    gpu: &Gpu,
    styles: &[&Style],
    whole: f32,
    look: impl Fn(&Image) -> Result<Arc<Grams>>,
) -> Result<StyleTarget> {
    let part: f32 = styles.iter().map(|style| style.weight).sum();
    let mut sums = Grams::new();
    for style in styles {
        for (layer, gram) in &*look(&style.image)? {
            let sum = sums.entry(*layer).or_insert_with(|| vec![0.0; gram.len()]);
            sum.iter_mut().zip(gram).for_each(|(sum, value)| *sum += value * style.weight / part);
        }
    }
    let upload = |(layer, gram): (LayerId, Vec<f32>)| {
        let channels = layer.channels() as u32;
        let label = format!("style target {layer}");
        Ok((layer, gpu.upload(Shape::blocked(channels, 1, channels), &gram, Use::Targets, &label)?))
    };
    let grams = sums.into_iter().map(upload).collect::<Result<_>>()?;
    Ok(StyleTarget { share: part / whole, region: styles[0].region.clone(), grams })
}

fn content_targets(
    gpu: &Gpu,
    network: &Network,
    settings: &Settings,
    image: &Image,
) -> Result<BTreeMap<LayerId, Tensor>> {
    let (mut graph, x, leaf) = picture(gpu, image)?;
    let features = network.features(&mut graph, leaf, &settings.content_layers.layers().collect());
    let nodes: Vec<_> = features.values().copied().collect();
    let program = graph.compile(gpu, &graph.plan(&nodes, None), &[(leaf, x)])?;
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

fn gram_matrices(gpu: &Gpu, network: &Network, settings: &Settings, image: &Image) -> Result<Grams> {
    let (mut graph, x, leaf) = picture(gpu, image)?;
    let features = network.features(&mut graph, leaf, &settings.style_layers.layers().collect());
    let grams = features
        .into_iter()
        .map(|(layer, node)| {
            let gram = Gram::new(gpu, network.kernels().gram(layer), layer.channels() as u32)?;
            Ok((layer, graph.apply(&format!("gram {layer}"), Box::new(gram), &[node])))
        })
        .collect::<Result<BTreeMap<_, _>>>()?;
    let nodes: Vec<_> = grams.values().copied().collect();
    let program = graph.compile(gpu, &graph.plan(&nodes, None), &[(leaf, x)])?;
    gpu.submit(&[&program.forward])?;
    grams.into_iter().map(|(layer, node)| Ok((layer, gpu.read(program.value(node))?))).collect()
}

/// A graph whose leaf is a picture.
fn picture(gpu: &Gpu, image: &Image) -> Result<(Graph, Tensor, crate::graph::NodeId)> {
    let shape = variable_shape(image.width(), image.height());
    let x = gpu.upload(shape, &to_variable(image), Use::Activations, "picture")?;
    let mut graph = Graph::new();
    let leaf = graph.leaf("x", shape);
    Ok((graph, x, leaf))
}

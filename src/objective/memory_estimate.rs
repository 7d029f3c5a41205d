//! What an objective takes, found out before any of it is allocated.

use super::loss_graph::LossGraph;
use super::targets::gram_graph;
use super::tiled::{TileLayout, Tiling};
use super::{Parts, Settings, variable_shape};
use crate::error::Result;
use crate::gpu::{Gpu, MemoryUse, Use};
use crate::graph::{Activations, ArenaSize, Request};
use crate::vgg19::{Network, activation_shape};

/// Memory for an objective, the network's weights and the optimiser's state not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// On the device at the worst moment, targets and setting up counted.
    pub device: MemoryUse,
    /// Bytes in the host's memory for as long as it works.
    pub host: u64,
    /// Whether the device takes each tensor.
    pub fits: bool,
}

impl MemoryEstimate {
    /// All of the picture on the device at once; `styles` is what it takes to look at the styles before.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) without a style of a weight above 0;
    /// [`Error::Gpu`](crate::Error::Gpu) if the device failed.
    pub fn whole(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        parts: &Parts,
        size: [u32; 2],
        styles: &MemoryEstimate,
        activations: Activations,
    ) -> Result<Self> {
        let image = variable_shape(size[0], size[1]);
        let losses = LossGraph::new(gpu, network, settings, parts, image)?;
        let arena = ArenaSize::of([&losses.plan(activations)]);
        let LossGraph { graph, constants, .. } = losses;
        let leaves_fit =
            constants.iter().all(|(node, _)| graph.shape(*node).bytes() <= gpu.max_tensor_bytes());
        let constants: u64 = constants.iter().map(|(node, _)| graph.shape(*node).bytes()).sum();
        let working = arena.memory().with(Use::Optimizer, image.bytes()).with(Use::Targets, constants);
        let content =
            settings.content_layers.layers().map(|layer| activation_shape(layer, size[0], size[1]).bytes());
        let device = working.or_larger(styles.device.with(Use::Targets, content.sum()));
        Ok(Self { device, host: 0, fits: arena.fits(gpu) && leaves_fit && styles.fits })
    }

    /// The same for a picture with a style of its own size, both everywhere, and activations kept.
    ///
    /// # Errors
    /// As [`whole`](Self::whole).
    pub fn plain(gpu: &Gpu, network: &Network, settings: &Settings, size: [u32; 2]) -> Result<Self> {
        let styles = Self::of_styles(gpu, network, settings, &[size], None)?;
        Self::whole(gpu, network, settings, &Parts::everywhere(), size, &styles, Activations::Kept)
    }

    /// The picture in tiles.
    ///
    /// # Errors
    /// As [`whole`](Self::whole).
    pub fn tiled(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        parts: &Parts,
        size: [u32; 2],
        tiling: Tiling,
    ) -> Result<Self> {
        let layout = TileLayout::new(gpu, network, settings, parts, size, tiling)?;
        let features = |layer| activation_shape(layer, size[0], size[1]);
        let content: u64 = match tiling.content {
            Activations::Kept => settings.content_layers.layers().map(|layer| features(layer).bytes()).sum(),
            Activations::Recomputed => 0,
        };
        let masked = parts.masked() as u64;
        let plane = |layer| 4 * u64::from(features(layer).positions());
        let masks: u64 = settings.style_layers.layers().map(|layer| masked * plane(layer)).sum();
        Ok(Self { device: layout.memory(), host: content + masks, fits: layout.fits(gpu) })
    }

    /// A look at style images of these sizes, in one piece or in tiles of `core`: that at the largest.
    ///
    /// # Errors
    /// As [`whole`](Self::whole).
    pub fn of_styles(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        sizes: &[[u32; 2]],
        core: Option<u32>,
    ) -> Result<Self> {
        let mut worst = Self { device: MemoryUse::default(), host: 0, fits: true };
        for size in sizes {
            let (device, fits) = match core {
                None => {
                    let image = variable_shape(size[0], size[1]);
                    let (graph, _, grams) = gram_graph(gpu, network, settings, image)?;
                    let keep = grams.into_values().collect();
                    let arena = ArenaSize::of([&graph.plan(Request { keep, ..Request::default() })]);
                    (arena.memory().with(Use::Activations, image.bytes()), arena.fits(gpu))
                }
                Some(core) => {
                    let settings = settings.style_alone();
                    let layout =
                        TileLayout::new(gpu, network, &settings, &Parts::everywhere(), *size, core.into())?;
                    (layout.memory(), layout.fits(gpu))
                }
            };
            worst = Self { device: worst.device.or_larger(device), fits: worst.fits && fits, ..worst };
        }
        Ok(worst)
    }
}

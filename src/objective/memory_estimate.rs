//! The memory that an objective takes, computed before any of it is allocated.

use super::loss_graph::LossGraph;
use super::targets::GramGraph;
use super::tiled::{TileLayout, Tiling};
use super::{Parts, Settings, variable_shape};
use crate::error::Result;
use crate::gpu::{Gpu, MemoryUse, Use};
use crate::graph::{Activations, ArenaSize, Request};
use crate::vgg19::{Network, activation_shape};

/// Memory of an objective, without the network's weights and the optimiser's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Peak on the device, including the targets and their computation.
    pub device: MemoryUse,
    /// Bytes in the host's memory.
    pub host: u64,
    /// Whether each tensor is within the limits of the device.
    pub fits: bool,
}

impl MemoryEstimate {
    /// The image in one piece. `styles` is the estimate of the styles' Gram matrices, which are computed before.
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

    /// The image in one piece with one style of its own size, no regions, and activations kept.
    ///
    /// # Errors
    /// As [`whole`](Self::whole).
    pub fn plain(gpu: &Gpu, network: &Network, settings: &Settings, size: [u32; 2]) -> Result<Self> {
        let parts = Parts::everywhere();
        let styles = Self::of_styles(gpu, network, settings, &parts, &[size], None)?;
        Self::whole(gpu, network, settings, &parts, size, &styles, Activations::Kept)
    }

    /// The image in tiles.
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

    /// The computation of the Gram matrices of style images of these sizes, one after another, each in one piece or in
    /// tiles with cores of at most `core` pixels on a side. `parts` are those of the objective: if any style has a part
    /// of its image, all are estimated as if they had.
    ///
    /// # Errors
    /// As [`whole`](Self::whole).
    pub fn of_styles(
        gpu: &Gpu,
        network: &Network,
        settings: &Settings,
        parts: &Parts,
        sizes: &[[u32; 2]],
        core: Option<u32>,
    ) -> Result<Self> {
        let mut worst = Self { device: MemoryUse::default(), host: 0, fits: true };
        let parts = parts.of_one_style();
        for size in sizes {
            let (device, fits) = match core {
                None => {
                    let image = variable_shape(size[0], size[1]);
                    let GramGraph { graph, grams, masks, .. } =
                        GramGraph::new(gpu, network, settings, &parts, image)?;
                    let masks = masks.iter().map(|(_, node)| graph.shape(*node).bytes()).sum();
                    let keep = grams.into_values().collect();
                    let arena = ArenaSize::of([&graph.plan(Request { keep, ..Request::default() })]);
                    let memory = arena.memory().with(Use::Activations, image.bytes());
                    (memory.with(Use::Targets, masks), arena.fits(gpu))
                }
                Some(core) => {
                    let settings = settings.style_alone();
                    let layout = TileLayout::new(gpu, network, &settings, &parts, *size, core.into())?;
                    (layout.memory(), layout.fits(gpu))
                }
            };
            worst = Self { device: worst.device.or_larger(device), fits: worst.fits && fits, ..worst };
        }
        Ok(worst)
    }
}
